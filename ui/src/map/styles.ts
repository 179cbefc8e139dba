// Resolved styles of the core as styles of the map library, each made once.

import { Circle, Fill, Icon, Stroke, Style, Text } from 'ol/style';

import type { Label, Mark, Stroke as StrokeSpec, Style as StyleSpec } from '../backend/types';
import { asRgba } from './css-color';
import { drawCluster, drawPin, PIN_SCALE } from './pins';
import type { Pin } from './pins';

const LABEL_FONT = '600 13px "Atkinson Hyperlegible Next Variable", "DejaVu Sans", sans-serif';
/** Icons lie above all paths, as in uMap. */
const ICONS = 10_000;

const halo = new Stroke({ color: 'rgba(255,255,255,0.92)', width: 4 });
const ink = new Fill({ color: '#15211c' });

export class StyleCache {
  private readonly icons = new Map<string, { image: Icon; pin: Pin }>();
  private readonly made = new Map<string, Style[]>();

  constructor(private readonly picture: (said: string) => HTMLImageElement | null = () => null) {}

  /** Forgets every style, because pictures came. */
  clear(): void {
    this.icons.clear();
    this.made.clear();
  }

  /** The styles of a mark; heat has none, it is painted elsewhere. `styleKey` stands for the style, `leftHalf` settles labels of the side `auto`. */
  of(mark: Mark, style: StyleSpec, styleKey: string, leftHalf: boolean): Style[] {
    const key = `${styleKey}|${mark.l}|${mark.t ?? ''}|${mark.n ?? ''}|${mark.r ?? ''}|${leftHalf}`;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    if (this.made.size > 4000) this.made.clear();
    const made = this.make(mark, style, leftHalf);
    this.made.set(key, made);
    return made;
  }

  private make(mark: Mark, style: StyleSpec, leftHalf: boolean): Style[] {
    switch (style.kind) {
      case 'heat': return [];
      case 'marker': {
        const { image, pin } = this.icon(JSON.stringify(style.icon), () => drawPin(style.icon, style.icon.symbol.kind === 'url' ? this.picture(style.icon.symbol.value) : null));
        const height = pin.height / 2;
        const middle = style.icon.class === 'Default' || style.icon.class === 'Drop' ? -24 : style.icon.class === 'Ball' ? -23 : 0;
        return [new Style({ image, zIndex: ICONS + mark.l }), ...this.label(mark, style.label, leftHalf, pin.width / 2 + 4, middle, height)];
      }
      case 'cluster': {
        const count = mark.n ?? 0;
        const { image } = this.icon(`cluster ${style.color} ${style.textColor} ${count}`, () => drawCluster(style.color, style.textColor, count));
        return [new Style({ image, zIndex: ICONS + mark.l })];
      }
      case 'circle': {
        const radius = Math.max(1, mark.r ?? 8);
        const image = new Circle({ radius, fill: fillOf(style.fill), stroke: strokeOf(style.stroke), declutterMode: 'none' });
        return [new Style({ image, zIndex: mark.l }), ...this.label(mark, style.label, leftHalf, radius + 4, 0, radius)];
      }
      case 'line': return [new Style({ stroke: strokeOf(style.stroke), zIndex: mark.l }), ...this.along(mark, style.text), ...this.label(mark, style.label, leftHalf, 8, 0, 8)];
      case 'area': return [new Style({ stroke: strokeOf(style.stroke), fill: fillOf(style.fill), zIndex: mark.l }), ...this.along(mark, style.text), ...this.label(mark, style.label, leftHalf, 0, 0, 0, true)];
    }
  }

  private icon(key: string, draw: () => Pin): { image: Icon; pin: Pin } {
    const known = this.icons.get(key);
    if (known !== undefined) return known;
    const pin = draw();
    const image = new Icon({ img: pin.canvas, scale: 1 / PIN_SCALE, anchor: pin.anchor, anchorXUnits: 'pixels', anchorYUnits: 'pixels', declutterMode: 'none' });
    const made = { image, pin };
    this.icons.set(key, made);
    return made;
  }

  private label(mark: Mark, label: Label | null, leftHalf: boolean, aside: number, middle: number, above: number, centred = false): Style[] {
    if (label === null || label.hover || mark.t === undefined || mark.t === '') return [];
    const side = label.side === 'auto' ? (centred ? 'center' : leftHalf ? 'right' : 'left') : label.side;
    const text = new Text({
      text: mark.t.length > 60 ? `${mark.t.slice(0, 58)}…` : mark.t, font: LABEL_FONT, fill: ink, stroke: halo, overflow: true,
      textAlign: side === 'right' ? 'left' : side === 'left' ? 'right' : 'center',
      offsetX: side === 'right' ? aside : side === 'left' ? -aside : 0,
      offsetY: side === 'top' ? middle * 2 - above - 4 : side === 'bottom' ? above + 10 : middle,
    });
    return [new Style({ text, zIndex: ICONS * 2 })];
  }

  private along(mark: Mark, text: Extract<StyleSpec, { kind: 'line' }>['text']): Style[] {
    if (text === null || text.text === '') return [];
    const align = text.place === 'center' ? 'center' : text.place;
    return [new Style({
      text: new Text({ text: text.text, placement: 'line', font: `600 ${text.size}px sans-serif`, fill: new Fill({ color: asRgba(text.color, text.opacity) }), textAlign: align, offsetY: text.offset, repeat: text.repeat ? 120 : undefined }),
      zIndex: mark.l,
    })];
  }
}

function strokeOf(stroke: StrokeSpec | null): Stroke | undefined {
  if (stroke === null || stroke.width <= 0) return undefined;
  return new Stroke({ color: asRgba(stroke.color, stroke.opacity), width: stroke.width, lineDash: stroke.dash.length > 0 ? stroke.dash : undefined, lineCap: stroke.dash.length > 0 ? 'butt' : 'round', lineJoin: 'round' });
}

function fillOf(fill: { color: string; opacity: number } | null): Fill | undefined {
  return fill === null ? undefined : new Fill({ color: asRgba(fill.color, fill.opacity) });
}
