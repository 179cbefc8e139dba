// Styles as uMap inherits them: feature, then layer, then map, then uMap's default.

import type { Inherited, Json } from '../types';
import type { Feature, Layer, StoredMap } from './model';

export const DEFAULTS: Record<string, Json> = {
  color: 'DarkBlue',
  weight: 3,
  opacity: 0.5,
  fill: true,
  fillColor: null,
  fillOpacity: 0.3,
  stroke: true,
  dashArray: null,
  iconClass: 'Default',
  iconSize: 24,
  iconOpacity: 1,
  iconUrl: null,
  showLabel: false,
  labelKey: null,
  labelDirection: 'auto',
};

export function inherited(map: StoredMap, layer: Layer | undefined, key: string): Inherited {
  const fromLayer = layer?.settings[key];
  if (fromLayer !== undefined) return { value: fromLayer, from: 'layer' };
  const fromMap = map.settings[key];
  if (fromMap !== undefined) return { value: fromMap, from: 'map' };
  return { value: DEFAULTS[key] ?? null, from: 'default' };
}

export function optionOf(map: StoredMap, feature: Feature, key: string): Json {
  const own = feature.options[key];
  return own !== undefined ? own : inherited(map, map.layers.get(feature.layer), key).value;
}
