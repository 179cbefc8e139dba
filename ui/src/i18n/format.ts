// Numbers, times and lengths in the language of the window.

import { getLocale } from '../paraglide/runtime';
import { m } from '../paraglide/messages';

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(getLocale(), { maximumFractionDigits: digits }).format(value);
}

export function dateTime(at: number): string {
  return new Intl.DateTimeFormat(getLocale(), { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

export function time(at: number): string {
  return new Intl.DateTimeFormat(getLocale(), { hour: '2-digit', minute: '2-digit' }).format(at);
}

/** "4 minutes ago", "yesterday"; the exact time belongs into a title beside it. */
export function ago(at: number, now = Date.now()): string {
  const seconds = Math.round((at - now) / 1000);
  const far = Math.abs(seconds);
  if (far < 45) return m.just_now();
  const relative = new Intl.RelativeTimeFormat(getLocale(), { numeric: 'auto' });
  if (far < 2700) return relative.format(Math.round(seconds / 60), 'minute');
  if (far < 79_200) return relative.format(Math.round(seconds / 3600), 'hour');
  if (far < 2_160_000) return relative.format(Math.round(seconds / 86_400), 'day');
  return new Intl.DateTimeFormat(getLocale(), { dateStyle: 'medium' }).format(at);
}

export function length(metres: number): string {
  if (metres < 1000) return `${number(metres, metres < 10 ? 1 : 0)} m`;
  return `${number(metres / 1000, metres < 10_000 ? 2 : 1)} km`;
}

export function area(squareMetres: number): string {
  if (squareMetres < 10_000) return `${number(squareMetres, squareMetres < 10 ? 1 : 0)} m²`;
  if (squareMetres < 10_000_000) return `${number(squareMetres / 10_000, 2)} ha`;
  return `${number(squareMetres / 1_000_000, 1)} km²`;
}

/** A value of the map as short text for a list. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'boolean') return value ? m.yes() : m.no();
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value === '' ? '“”' : value;
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 158)}…` : text;
}

/** `properties._umap_options.color` as people call it. */
export function keyText(key: string | null): string {
  if (key === null) return m.key_whole();
  const plain = key.replace(/^properties\./, '').replace(/^_umap_options\./, '');
  const names: Record<string, () => string> = {
    geometry: m.key_geometry, name: m.key_name, description: m.key_description, color: m.key_color, weight: m.key_weight, opacity: m.key_opacity,
    fill: m.key_fill, fillColor: m.key_fill_color, fillOpacity: m.key_fill_opacity, stroke: m.key_stroke, dashArray: m.key_dash,
    iconClass: m.key_icon_class, iconUrl: m.key_icon_url, showLabel: m.key_show_label, labelDirection: m.key_label_direction, layer: m.key_layer,
    labelKey: m.key_label_key, iconSize: m.key_icon_size, iconOpacity: m.key_icon_opacity, mask: m.key_mask, fields: m.fields, type: m.layer_kind, displayOnLoad: m.layer_on_load,
    tilelayer: m.background, rank: m.key_rank, parentId: m.key_parent,
  };
  return names[plain]?.() ?? plain;
}
