// A viewport as the core would answer it, small and complete enough for a sample map.

import type { IconClass, Json, LabelSide, LegendEntry, LonLatBox, Mark, MarkGeometry, Style, Symbol as SymbolSpec, ViewportAnswer, ViewportQuery } from '../types';
import { DEFAULTS, optionOf } from './inherit';
import type { Feature, Layer, StoredMap } from './model';
import { boundsOf, overlap, positionsOf, refOf, textOf } from './model';

const CATEGORY_COLORS = ['#1b7f5c', '#d9822b', '#3a6ea5', '#b5446e', '#7a6bb0', '#8c6d1f', '#4f8f8f'];
const CLASS_COLORS = ['#edf8e9', '#bae4b3', '#74c476', '#31a354', '#006d2c'];

interface LayerRule { colorOf: (feature: Feature) => string | null; legend: LegendEntry[] }

function numbersOf(map: StoredMap, layer: Layer, key: string): number[] {
  const numbers: number[] = [];
  for (const feature of map.features.values()) {
    const value = feature.properties[key];
    if (feature.layer === layer.id && typeof value === 'number') numbers.push(value);
  }
  return numbers.sort((a, b) => a - b);
}

const settingOf = (layer: Layer, group: string, key: string): Json => {
  const value = layer.settings[group];
  return typeof value === 'object' && value !== null ? ((value as Record<string, Json>)[key] ?? null) : null;
};

/** Classes and categories come from the whole layer, so that nothing changes colour while panning. */
export function ruleOf(map: StoredMap, layer: Layer): LayerRule {
  const own = [...map.features.values()].filter((feature) => feature.layer === layer.id);
  if (layer.kind === 'Choropleth') {
    const key = textOf(settingOf(layer, 'choropleth', 'property'));
    const sorted = numbersOf(map, layer, key);
    const breaks = CLASS_COLORS.slice(1).map((_, at) => sorted[Math.floor(((at + 1) * sorted.length) / CLASS_COLORS.length)] ?? 0);
    const classOf = (value: number): number => breaks.filter((limit) => value >= limit).length;
    const legend = CLASS_COLORS.map((color, at): LegendEntry => {
      const low = at === 0 ? sorted[0] : breaks[at - 1];
      const high = breaks[at] ?? sorted.at(-1);
      return { kind: 'class', label: `${low ?? 0} – ${high ?? 0}`, color, opacity: 0.75, radius: null, symbol: null, count: sorted.filter((value) => classOf(value) === at).length };
    });
    return {
      colorOf: (feature) => {
        const value = feature.properties[key];
        return typeof value === 'number' ? (CLASS_COLORS[classOf(value)] ?? null) : null;
      },
      legend,
    };
  }
  if (layer.kind === 'Categorized') {
    const key = textOf(settingOf(layer, 'categorized', 'property'));
    const values = [...new Set(own.map((feature) => textOf(feature.properties[key])))].sort();
    const colors = new Map(values.map((value, at) => [value, CATEGORY_COLORS[at % CATEGORY_COLORS.length] ?? '#555555']));
    return {
      colorOf: (feature) => colors.get(textOf(feature.properties[key])) ?? null,
      legend: [...colors].map(([label, color]) => ({ kind: 'category' as const, label, color, opacity: 0.75, radius: null, symbol: null, count: own.filter((f) => textOf(f.properties[key]) === label).length })),
    };
  }
  return { colorOf: () => null, legend: [] };
}

function isArea(feature: Feature): boolean {
  return feature.geometry.type.endsWith('Polygon');
}

function symbolOf(value: string): SymbolSpec {
  if (value === '') return { kind: 'dot', value: '', light: false };
  return /^(https?:|\/|data:image)/.test(value) ? { kind: 'url', value, light: true } : { kind: 'text', value, light: true };
}

function styleOf(map: StoredMap, layer: Layer, feature: Feature, ruled: string | null): Style {
  const read = (key: string): Json => optionOf(map, feature, key);
  const point = feature.geometry.type.endsWith('Point');
  const base = textOf(read('color')) || textOf(DEFAULTS['color']);
  const color = ruled !== null && point ? ruled : base;
  // uMap's third value, null, means under the pointer only.
  const label = read('showLabel') === false ? null : { side: (textOf(read('labelDirection')) || 'auto') as LabelSide, hover: read('showLabel') === null, interactive: false };
  const dash = (textOf(read('dashArray')).match(/\d+(\.\d+)?/g) ?? []).map(Number);
  const stroke = read('stroke') === false ? null : { color, width: Number(read('weight') ?? 3), opacity: Number(read('opacity') ?? 0.5), dash };
  const fill = read('fill') === false ? null : { color: ruled ?? (textOf(read('fillColor')) || base), opacity: ruled !== null ? 0.75 : Number(read('fillOpacity') ?? 0.3) };
  if (point && layer.kind === 'Heat') return { kind: 'heat', radius: 25, blur: 15, minOpacity: 0.05 };
  if (point && layer.kind === 'Circles') return { kind: 'circle', stroke, fill, label, interactive: true };
  if (point) {
    const icon = { class: (textOf(read('iconClass')) || 'Default') as IconClass, color, opacity: Number(read('iconOpacity') ?? 1), size: Number(read('iconSize') ?? 24), symbol: symbolOf(textOf(read('iconUrl'))) };
    return { kind: 'marker', icon, label };
  }
  if (isArea(feature)) return { kind: 'area', stroke, fill, text: null, label, interactive: true, mask: false };
  return { kind: 'line', stroke, text: null, label, interactive: true };
}

function radiusOf(map: StoredMap, layer: Layer, feature: Feature): number {
  const key = textOf(settingOf(layer, 'circles', 'property'));
  const most = numbersOf(map, layer, key).at(-1) ?? 1;
  const value = feature.properties[key];
  return 3 + 27 * Math.sqrt(Math.max(0, typeof value === 'number' ? value : 0) / Math.max(1, most));
}

/** The nearest hidden ancestor hides a layer with it. */
function isHidden(map: StoredMap, layer: Layer, hidden: Set<string>): boolean {
  for (let at: Layer | undefined = layer; at !== undefined; at = at.parent === null ? undefined : map.layers.get(at.parent)) {
    if (hidden.has(at.id)) return true;
  }
  return false;
}

function cornersOf(members: Feature[]): [number, number, number, number] {
  const box = boundsOf(members.map((member) => member.geometry));
  return box === null ? [0, 0, 0, 0] : [box.west, box.south, box.east, box.north];
}

export function draw(map: StoredMap, query: ViewportQuery): ViewportAnswer {
  const styles: Style[] = [];
  const known = new Map<string, number>();
  const marks: Mark[] = [];
  const box: LonLatBox = query;
  const hidden = new Set(query.hidden);
  for (const layer of map.layers.values()) if (layer.settings['displayOnLoad'] === false && !query.shown.includes(layer.id)) hidden.add(layer.id);
  let thinned = false;
  const styleIndex = (style: Style): number => {
    const key = JSON.stringify(style);
    const at = known.get(key) ?? styles.push(style) - 1;
    known.set(key, at);
    return at;
  };
  const layers = [...map.layers.values()].sort((a, b) => a.rank - b.rank);
  layers.forEach((layer, l) => {
    if (layer.group || isHidden(map, layer, hidden)) return;
    const rule = ruleOf(map, layer);
    const cells = new Map<string, { sum: [number, number]; members: Feature[] }>();
    for (const feature of map.features.values()) {
      if (feature.layer !== layer.id) continue;
      const bounds = boundsOf([feature.geometry]);
      if (bounds === null || !overlap(bounds, box)) continue;
      if (layer.kind === 'Cluster' && feature.geometry.type === 'Point' && !query.selected.includes(refOf(feature))) {
        const [lon = 0, lat = 0] = feature.geometry.coordinates;
        const size = (360 / 2 ** query.zoom / 256) * 80;
        const key = `${Math.floor(lon / size)}:${Math.floor(lat / size)}`;
        const cell = cells.get(key) ?? { sum: [0, 0], members: [] };
        cell.sum = [cell.sum[0] + lon, cell.sum[1] + lat];
        cell.members.push(feature);
        cells.set(key, cell);
        continue;
      }
      marks.push(markOf(feature, layer, l, rule));
    }
    for (const { sum, members } of cells.values()) {
      const [first] = members;
      if (first === undefined) continue;
      if (members.length === 1) {
        marks.push(markOf(first, layer, l, rule));
        continue;
      }
      thinned = true;
      const style = styleIndex({ kind: 'cluster', color: textOf(optionOf(map, first, 'color')) || textOf(DEFAULTS['color']), textColor: '#ffffff' });
      marks.push({ o: null, l, s: style, n: members.length, b: cornersOf(members), g: { type: 'Point', coordinates: [sum[0] / members.length, sum[1] / members.length] } });
    }
  });
  const isIcon = (mark: Mark): boolean => ['marker', 'cluster'].includes(styles[mark.s]?.kind ?? '');
  marks.sort((a, b) => Number(isIcon(a)) - Number(isIcon(b)) || a.l - b.l);
  return { revision: map.revision, zoom: query.zoom, thinned, features: marks.length, layers: layers.map((layer) => layer.id), styles, marks };

  function markOf(feature: Feature, layer: Layer, l: number, rule: LayerRule): Mark {
    const style = styleOf(map, layer, feature, rule.colorOf(feature));
    const mark: Mark = { o: style.kind === 'heat' ? null : refOf(feature), l, s: styleIndex(style), g: feature.geometry as MarkGeometry };
    if (style.kind === 'heat') mark.v = 0.35;
    if ('label' in style && style.label !== null) mark.t = textOf(feature.properties[textOf(optionOf(map, feature, 'labelKey')) || 'name']);
    if (style.kind === 'circle') mark.r = radiusOf(map, layer, feature);
    return mark;
  }
}

export function inBox(map: StoredMap, box: LonLatBox, limit: number): Feature[] {
  const found: Feature[] = [];
  for (const feature of map.features.values()) {
    if (found.length >= limit) break;
    const bounds = boundsOf([feature.geometry]);
    if (bounds !== null && positionsOf(feature.geometry).length > 0 && overlap(bounds, box)) found.push(feature);
  }
  return found;
}
