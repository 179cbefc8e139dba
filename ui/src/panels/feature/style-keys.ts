// uMap's style options for the kinds of shapes, with their limits.

import { m } from '../../paraglide/messages';

export type StyleKey =
  | { key: string; kind: 'color' | 'bool' | 'text' }
  | { key: string; kind: 'range'; min: number; max: number; step: number }
  | { key: string; kind: 'choice'; choices: { value: string; label: () => string }[] };

const COLOR: StyleKey = { key: 'color', kind: 'color' };
const WEIGHT: StyleKey = { key: 'weight', kind: 'range', min: 1, max: 20, step: 1 };
const OPACITY: StyleKey = { key: 'opacity', kind: 'range', min: 0.1, max: 1, step: 0.1 };
const DASH: StyleKey = { key: 'dashArray', kind: 'text' };
const LABEL: StyleKey[] = [
  { key: 'showLabel', kind: 'bool' },
  { key: 'labelDirection', kind: 'choice', choices: [
    { value: 'auto', label: m.side_auto }, { value: 'left', label: m.side_left }, { value: 'right', label: m.side_right }, { value: 'top', label: m.side_top }, { value: 'bottom', label: m.side_bottom },
  ] },
];
const ICON_CLASS: StyleKey = { key: 'iconClass', kind: 'choice', choices: [
  { value: 'Default', label: m.icon_default }, { value: 'Circle', label: m.icon_circle }, { value: 'LargeCircle', label: m.icon_large }, { value: 'Drop', label: m.icon_drop }, { value: 'Ball', label: m.icon_ball }, { value: 'Raw', label: m.icon_raw },
] };

export function styleKeys(type: string): StyleKey[] {
  if (type.endsWith('Point')) return [COLOR, ICON_CLASS, { key: 'iconUrl', kind: 'text' }, ...LABEL];
  if (type.endsWith('LineString')) return [COLOR, WEIGHT, OPACITY, DASH, ...LABEL];
  return [
    COLOR, { key: 'stroke', kind: 'bool' }, WEIGHT, OPACITY, DASH, { key: 'fill', kind: 'bool' }, { key: 'fillColor', kind: 'color' },
    { key: 'fillOpacity', kind: 'range', min: 0.1, max: 1, step: 0.1 }, ...LABEL,
  ];
}

/** What a layer sets for all its features. */
export const LAYER_KEYS: StyleKey[] = [COLOR, ICON_CLASS, WEIGHT, OPACITY, { key: 'fillOpacity', kind: 'range', min: 0.1, max: 1, step: 0.1 }, DASH, ...LABEL];
