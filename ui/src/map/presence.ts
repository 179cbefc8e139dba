// Where the others look: the cursor and the selection of each other Bivouac, for as long as it tells.

import Feature from 'ol/Feature';
import Point from 'ol/geom/Point';
import VectorLayer from 'ol/layer/Vector';
import { fromLonLat } from 'ol/proj';
import VectorSource from 'ol/source/Vector';
import { Circle, Fill, RegularShape, Stroke, Style, Text } from 'ol/style';

import type { Mark, Spot } from '../backend/types';
import { toDrawn } from './geometry';

/** Who told nothing for so long is not shown. */
const STALE_MS = 60_000;
const COLORS = ['#7b2cbf', '#c2185b', '#00695c', '#b35900', '#1f5fbf', '#5d4037'];

export interface Glance { peer: string; who: string; at: Spot | null; selected: string[] }

export class Presence {
  private readonly source = new VectorSource();
  readonly layer = new VectorLayer({ source: this.source, zIndex: 45 });
  private readonly glances = new Map<string, Glance & { heard: number }>();
  private marks: Mark[] = [];
  private readonly clock = setInterval(() => this.paint(), 10_000);

  hear(glance: Glance, now = Date.now()): void {
    if (glance.at === null && glance.selected.length === 0) this.glances.delete(glance.peer);
    else this.glances.set(glance.peer, { ...glance, heard: now });
    this.paint(now);
  }

  /** Only those peers are still there. */
  keep(peers: string[]): void {
    for (const peer of this.glances.keys()) if (!peers.includes(peer)) this.glances.delete(peer);
    this.paint();
  }

  /** What is drawn now, for showing selections on it. */
  shown(marks: Mark[]): void {
    this.marks = marks;
    this.paint();
  }

  stop(): void {
    clearInterval(this.clock);
  }

  private paint(now = Date.now()): void {
    const features: Feature[] = [];
    for (const [peer, glance] of this.glances) {
      if (now - glance.heard > STALE_MS) continue;
      const color = colorOf(peer);
      const selected = new Set(glance.selected);
      for (const mark of this.marks) {
        if (mark.o === null || !selected.has(mark.o)) continue;
        const feature = new Feature({ geometry: toDrawn(mark.g) });
        feature.setStyle(aroundStyle(color));
        features.push(feature);
      }
      if (glance.at !== null) {
        const feature = new Feature({ geometry: new Point(fromLonLat([glance.at.lon, glance.at.lat])) });
        feature.setStyle(cursorStyle(color, glance.who));
        features.push(feature);
      }
    }
    this.source.clear(true);
    this.source.addFeatures(features);
  }
}

/** The same peer, the same colour. */
function colorOf(peer: string): string {
  let sum = 0;
  for (const letter of peer) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return COLORS[sum % COLORS.length] ?? '#7b2cbf';
}

function aroundStyle(color: string): Style {
  const stroke = new Stroke({ color, width: 3, lineDash: [4, 5] });
  return new Style({ stroke, image: new Circle({ radius: 16, stroke }) });
}

function cursorStyle(color: string, who: string): Style[] {
  const edge = new Stroke({ color: '#ffffff', width: 2 });
  return [new Style({
    image: new RegularShape({ points: 3, radius: 9, rotation: -Math.PI / 5, displacement: [3, -7], fill: new Fill({ color }), stroke: edge }),
    text: new Text({ text: who, font: '600 13px "Atkinson Hyperlegible Next Variable", "DejaVu Sans", sans-serif', textAlign: 'left', offsetX: 16, offsetY: 18, fill: new Fill({ color: '#ffffff' }), backgroundFill: new Fill({ color }), padding: [2, 6, 1, 6] }),
  })];
}
