// Length and area on the ellipsoid (Karney), not on the drawn plane.

import geodesic from 'geographiclib-geodesic';

import type { Geometry, Position } from '../backend/types';

export interface Measure { length: number | null; area: number | null }

function lengthOf(line: Position[]): number {
  let sum = 0;
  for (let at = 1; at < line.length; at += 1) {
    const [from = [], to = []] = [line[at - 1], line[at]];
    sum += geodesic.Geodesic.WGS84.Inverse(from[1] ?? 0, from[0] ?? 0, to[1] ?? 0, to[0] ?? 0).s12 ?? 0;
  }
  return sum;
}

function ringArea(ring: Position[]): number {
  const polygon = geodesic.Geodesic.WGS84.Polygon(false);
  for (const [lon = 0, lat = 0] of ring.slice(0, -1)) polygon.AddPoint(lat, lon);
  return Math.abs(polygon.Compute(false, true).area ?? 0);
}

const polygonArea = (rings: Position[][]): number =>
  rings.reduce((sum, ring, at) => (at === 0 ? ringArea(ring) : sum - ringArea(ring)), 0);

/** Metres and square metres; for an area the length is that of its outer rings. */
export function measure(geometry: Geometry): Measure {
  switch (geometry.type) {
    case 'Point':
    case 'MultiPoint': return { length: null, area: null };
    case 'LineString': return { length: lengthOf(geometry.coordinates), area: null };
    case 'MultiLineString': return { length: geometry.coordinates.reduce((sum, line) => sum + lengthOf(line), 0), area: null };
    case 'Polygon': return { length: lengthOf(geometry.coordinates[0] ?? []), area: polygonArea(geometry.coordinates) };
    case 'MultiPolygon': return {
      length: geometry.coordinates.reduce((sum, rings) => sum + lengthOf(rings[0] ?? []), 0),
      area: geometry.coordinates.reduce((sum, rings) => sum + polygonArea(rings), 0),
    };
    case 'GeometryCollection': {
      const parts = geometry.geometries.map(measure);
      const add = (values: (number | null)[]): number | null => values.some((value) => value !== null) ? values.reduce<number>((sum, value) => sum + (value ?? 0), 0) : null;
      return { length: add(parts.map((part) => part.length)), area: add(parts.map((part) => part.area)) };
    }
  }
}
