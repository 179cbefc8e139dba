// uMap's style options for the kinds of shapes, with their limits.

import { m } from '../../paraglide/messages';

export type StyleKey =
  | { key: string; kind: 'color' | 'bool' | 'text' }
  | { key: string; kind: 'range'; min: number; max: number; step: number }
  | { key: string; kind: 'choice'; choices: { value: string | boolean | null; label: () => string }[] };

const COLOR: StyleKey = { key: 'color', kind: 'color' };
const WEIGHT: StyleKey = { key: 'weight', kind: 'range', min: 1, max: 20, step: 1 };
const OPACITY: StyleKey = { key: 'opacity', kind: 'range', min: 0.1, max: 1, step: 0.1 };
const DASH: StyleKey = { key: 'dashArray', kind: 'text' };
const FILL: StyleKey[] = [{ key: 'fill', kind: 'bool' }, { key: 'fillColor', kind: 'color' }, { key: 'fillOpacity', kind: 'range', min: 0.1, max: 1, step: 0.1 }];
const LABEL: StyleKey[] = [
  // uMap keeps "on hovering" as null.
  { key: 'showLabel', kind: 'choice', choices: [{ value: true, label: m.label_always }, { value: false, label: m.label_never }, { value: null, label: m.label_hover }] },
  { key: 'labelKey', kind: 'text' },
  { key: 'labelDirection', kind: 'choice', choices: [
    { value: 'auto', label: m.side_auto }, { value: 'left', label: m.side_left }, { value: 'right', label: m.side_right }, { value: 'top', label: m.side_top }, { value: 'bottom', label: m.side_bottom },
  ] },
];
const ICON: StyleKey[] = [
  { key: 'iconClass', kind: 'choice', choices: [
    { value: 'Default', label: m.icon_default }, { value: 'Circle', label: m.icon_circle }, { value: 'LargeCircle', label: m.icon_large }, { value: 'Drop', label: m.icon_drop }, { value: 'Ball', label: m.icon_ball }, { value: 'Raw', label: m.icon_raw },
  ] },
  { key: 'iconUrl', kind: 'text' },
  { key: 'iconOpacity', kind: 'range', min: 0.1, max: 1, step: 0.1 },
];
/** Counts for the two classes that have no size of their own. */
const ICON_SIZE: StyleKey = { key: 'iconSize', kind: 'range', min: 12, max: 64, step: 4 };

export function styleKeys(type: string): StyleKey[] {
  if (type.endsWith('Point')) return [COLOR, ...ICON, ICON_SIZE, ...LABEL];
  if (type.endsWith('LineString')) return [COLOR, WEIGHT, OPACITY, DASH, ...LABEL];
  return [COLOR, { key: 'stroke', kind: 'bool' }, WEIGHT, OPACITY, DASH, ...FILL, { key: 'mask', kind: 'bool' }, ...LABEL];
}

/** What a layer or the map sets for all its features. */
export const LAYER_KEYS: StyleKey[] = [COLOR, ...ICON, ICON_SIZE, WEIGHT, OPACITY, DASH, ...FILL, ...LABEL];

/** uMap's own values, for what is set nowhere. */
export const UMAP_STYLE: Record<string, unknown> = {
  color: 'DarkBlue', weight: 3, opacity: 0.5, fill: true, fillOpacity: 0.3, stroke: true, iconClass: 'Default', iconSize: 24, iconOpacity: 1, showLabel: false, labelKey: 'name', labelDirection: 'auto', mask: false,
};
