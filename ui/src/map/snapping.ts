// What new and moved vertices snap to: the stored shapes around, never the thinned ones of the picture. A mark shows
// where the next vertex will lie, round on a vertex and square on an edge.

import Feature from 'ol/Feature';
import Point from 'ol/geom/Point';
import Snap from 'ol/interaction/Snap';
import type { SnapEvent } from 'ol/events/SnapEvent';
import VectorLayer from 'ol/layer/Vector';
import VectorSource from 'ol/source/Vector';
import { Circle, Fill, RegularShape, Stroke, Style } from 'ol/style';

import type { Geometry, Position } from '../backend/types';
import { project, targetsOf } from './coordinates';
import { toDrawn } from './geometry';
import type { Stage } from './stage';

export const SNAP_PX = 12;
const COLOR = '#e0218a';

export class Snapping {
  /** Stored numbers by the place where they are drawn. */
  targets = new Map<string, Position>();
  private readonly source = new VectorSource();
  private readonly marks = new VectorSource();

  /** `wanted` says whether a vertex is in hand; without one there is nothing to mark. */
  constructor(private readonly stage: Stage, private readonly wanted: () => boolean) {
    const stroke = new Stroke({ color: COLOR, width: 4 });
    const fill = new Fill({ color: 'rgba(255,255,255,0.6)' });
    const vertex = new Style({ image: new Circle({ radius: 11, stroke, fill }) });
    const edge = new Style({ image: new RegularShape({ points: 4, angle: Math.PI / 4, radius: 13, stroke, fill }) });
    const layer = new VectorLayer({ source: this.marks, zIndex: 60, updateWhileAnimating: true, updateWhileInteracting: true });
    layer.setStyle((feature) => (feature.get('edge') === true ? edge : vertex));
    stage.map.addLayer(layer);
  }

  /** A new one for each tool: the interaction that was added last sees the pointer first. */
  interaction(): Snap {
    const snap = new Snap({ source: this.source, pixelTolerance: SNAP_PX });
    snap.on('snap' as 'change', (event) => {
      const { vertex, segment } = event as unknown as SnapEvent;
      if (this.wanted()) this.show(vertex, segment !== null && segment !== undefined);
      else this.clear();
    });
    snap.on('unsnap' as 'change', () => this.marks.clear());
    return snap;
  }

  show(at: Position, edge: boolean): void {
    this.marks.clear(true);
    this.marks.addFeature(new Feature({ geometry: new Point(at), edge }));
  }

  clear(): void {
    this.marks.clear();
  }

  set(geometries: Geometry[]): void {
    this.targets = targetsOf(geometries);
    this.source.clear(true);
    this.source.addFeatures(geometries.map((geometry) => new Feature(toDrawn(geometry))));
  }

  /** The vertex within reach of a drawn place, else the nearest place of an edge. */
  nearest(place: Position): Position | null {
    const reach = SNAP_PX * (this.stage.map.getView().getResolution() ?? 1);
    let best: { distance: number; at: Position } | null = null;
    const offer = (at: Position): void => {
      const distance = Math.hypot((at[0] ?? 0) - (place[0] ?? 0), (at[1] ?? 0) - (place[1] ?? 0));
      if (distance <= reach && (best === null || distance < best.distance)) best = { distance, at };
    };
    for (const stored of this.targets.values()) offer(project(stored));
    if (best === null) for (const feature of this.source.getFeatures()) offer(feature.getGeometry()?.getClosestPoint(place) ?? []);
    return (best as { at: Position } | null)?.at ?? null;
  }
}
