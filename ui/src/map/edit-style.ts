// How the editor draws what is in hand: the sketch, the live shape with its vertices, the chosen vertex.

import type { FeatureLike } from 'ol/Feature';
import Feature from 'ol/Feature';
import MultiPoint from 'ol/geom/MultiPoint';
import Point from 'ol/geom/Point';
import { Circle, Fill, RegularShape, Stroke, Style } from 'ol/style';

import type { Position } from '../backend/types';
import { linesOf } from './coordinates';
import { fromDrawn } from './geometry';

/** The one shape whose vertices are shown. */
export interface LiveLook { feature: Feature; pin: Style[]; chosen: Position | null }

const SNAPPED = '#e0218a';

export function editStyle(feature: FeatureLike, focus: string, live: LiveLook | null): Style[] {
  const isLive = live !== null && live.feature === feature;
  const geometry = feature.getGeometry();
  if (geometry instanceof Point) {
    const color = feature.get('existing') === true ? SNAPPED : focus;
    const ring = new Style({ image: new Circle({ radius: isLive ? 12 : 8, fill: new Fill({ color: isLive ? 'rgba(255,255,255,0.35)' : '#ffffff' }), stroke: new Stroke({ color, width: 4 }) }), zIndex: 3 });
    return isLive ? [...live.pin, ring, new Style({ image: new Circle({ radius: 3.5, fill: new Fill({ color: focus }) }), zIndex: 30_000 })] : [ring];
  }
  const styles = [
    new Style({ stroke: new Stroke({ color: '#ffffff', width: 6 }) }),
    new Style({ stroke: new Stroke({ color: focus, width: 3 }), fill: new Fill({ color: 'rgba(11,87,208,0.12)' }) }),
  ];
  if (!isLive) return styles;
  styles.push(new Style({
    geometry: () => new MultiPoint(verticesOf(feature)),
    image: new RegularShape({ points: 4, angle: Math.PI / 4, radius: 7, fill: new Fill({ color: '#ffffff' }), stroke: new Stroke({ color: focus, width: 2.5 }) }),
    zIndex: 2,
  }));
  if (live.chosen !== null) styles.push(new Style({ geometry: new Point(live.chosen), image: new Circle({ radius: 12, stroke: new Stroke({ color: SNAPPED, width: 4 }) }), zIndex: 5 }));
  return styles;
}

function verticesOf(feature: FeatureLike): Position[] {
  const geometry = feature instanceof Feature ? feature.getGeometry() : undefined;
  return geometry === undefined ? [] : linesOf(fromDrawn(geometry)).flat();
}
