// Stored longitude and latitude beside the drawn ones. Drawing happens in EPSG:3857, where most coordinates
// change bits on the way there and back; so a vertex that was not moved keeps its stored numbers bit for bit,
// a snapped one takes its target's, and only new or moved ones are computed and rounded.

import { fromLonLat, toLonLat } from 'ol/proj';

import type { Geometry, Position } from '../backend/types';

/** Drawn coordinates that have stored numbers elsewhere: what a vertex may have been snapped to. */
export type Targets = ReadonlyMap<string, Position>;

const NONE: Targets = new Map();
const DECIMALS = 1e7;

export function roundDegrees(value: number): number {
  return Math.round(value * DECIMALS) / DECIMALS;
}

/** Two numbers, as the map draws them. */
export function project(position: Position): Position {
  return fromLonLat([position[0] ?? 0, position[1] ?? 0]);
}

/** A drawn place as longitude and latitude with 7 decimals, kept on the globe. */
export function unproject(drawn: Position): Position {
  const [lon = 0, lat = 0] = toLonLat(drawn);
  const turned = ((((lon + 180) % 360) + 360) % 360) - 180;
  return [roundDegrees(lon === 180 ? 180 : turned), roundDegrees(lat)];
}

export function keyOf(drawn: Position): string {
  return `${drawn[0]},${drawn[1]}`;
}

const same = (a: Position | undefined, b: Position | undefined): boolean =>
  a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];

/** Applies `change` to every position, keeping the structure. */
export function mapGeometry(geometry: Geometry, change: (position: Position) => Position): Geometry {
  switch (geometry.type) {
    case 'Point': return { type: 'Point', coordinates: change(geometry.coordinates) };
    case 'MultiPoint': return { type: 'MultiPoint', coordinates: geometry.coordinates.map(change) };
    case 'LineString': return { type: 'LineString', coordinates: geometry.coordinates.map(change) };
    case 'MultiLineString': return { type: 'MultiLineString', coordinates: geometry.coordinates.map((line) => line.map(change)) };
    case 'Polygon': return { type: 'Polygon', coordinates: geometry.coordinates.map((ring) => ring.map(change)) };
    case 'MultiPolygon': return { type: 'MultiPolygon', coordinates: geometry.coordinates.map((rings) => rings.map((ring) => ring.map(change))) };
    case 'GeometryCollection': return { type: 'GeometryCollection', geometries: geometry.geometries.map((part) => mapGeometry(part, change)) };
  }
}

export function projectGeometry(geometry: Geometry): Geometry {
  return mapGeometry(geometry, project);
}

/** The lines and rings of a geometry, in order; a point is a line of one. */
export function linesOf(geometry: Geometry): Position[][] {
  switch (geometry.type) {
    case 'Point': return [[geometry.coordinates]];
    case 'MultiPoint': return geometry.coordinates.map((position) => [position]);
    case 'LineString': return [geometry.coordinates];
    case 'MultiLineString':
    case 'Polygon': return geometry.coordinates;
    case 'MultiPolygon': return geometry.coordinates.flat();
    case 'GeometryCollection': return geometry.geometries.flatMap(linesOf);
  }
}

/** Every drawn vertex of a geometry with its stored numbers. */
export function targetsOf(geometries: Iterable<Geometry>): Map<string, Position> {
  const targets = new Map<string, Position>();
  for (const geometry of geometries) {
    for (const line of linesOf(geometry)) for (const position of line) targets.set(keyOf(project(position)), position);
  }
  return targets;
}

/**
 * One line or ring, back from the drawing. The equal beginnings and endings are matched in order, so that two
 * vertices which are drawn at one place keep each their own numbers; what is left is looked up by place.
 */
export function restoreLine(stored: Position[], drawn: Position[], targets: Targets = NONE): Position[] {
  const before = stored.map(project);
  const result: Position[] = new Array<Position>(drawn.length);
  const shorter = Math.min(before.length, drawn.length);
  let start = 0;
  while (start < shorter && same(before[start], drawn[start])) start += 1;
  let end = 0;
  while (end < shorter - start && same(before[before.length - 1 - end], drawn[drawn.length - 1 - end])) end += 1;
  const places = new Map<string, number[]>();
  before.forEach((vertex, at) => places.set(keyOf(vertex), [...(places.get(keyOf(vertex)) ?? []), at]));
  let reached = start;
  const byPlace = (vertex: Position): Position | undefined => {
    const indexes = places.get(keyOf(vertex));
    const index = indexes?.find((candidate) => candidate >= reached) ?? indexes?.[0];
    if (index === undefined) return undefined;
    reached = index + 1;
    return stored[index];
  };
  drawn.forEach((vertex, at) => {
    const fromEnd = drawn.length - at;
    const sameIndex = stored.length === drawn.length && same(before[at], vertex);
    const aligned = at < start || sameIndex ? stored[at] : fromEnd <= end ? stored[stored.length - fromEnd] : undefined;
    const known = aligned ?? byPlace(vertex) ?? targets.get(keyOf(vertex));
    if (known !== undefined) {
      result[at] = [...known];
      return;
    }
    const altitude = stored.length === drawn.length ? (stored[at]?.slice(2) ?? []) : [];
    result[at] = [...unproject(vertex), ...altitude];
  });
  return result;
}

/** A whole drawn geometry, back to stored numbers. */
export function restoreGeometry(stored: Geometry | null, drawn: Geometry, targets: Targets = NONE): Geometry {
  const storedLines = stored === null ? [] : linesOf(stored);
  const everywhere = new Map([...targets, ...(stored === null ? [] : targetsOf([stored]))]);
  const drawnLines = linesOf(drawn);
  const aligned = storedLines.length === drawnLines.length;
  const restored = drawnLines.map((line, at) => restoreLine(aligned ? (storedLines[at] ?? []) : [], line, everywhere));
  let at = 0;
  const next = (): Position[] => restored[at++] ?? [];
  const rebuild = (geometry: Geometry): Geometry => {
    switch (geometry.type) {
      case 'Point': return { type: 'Point', coordinates: next()[0] ?? [] };
      case 'MultiPoint': return { type: 'MultiPoint', coordinates: geometry.coordinates.map(() => next()[0] ?? []) };
      case 'LineString': return { type: 'LineString', coordinates: next() };
      case 'MultiLineString': return { type: 'MultiLineString', coordinates: geometry.coordinates.map(next) };
      case 'Polygon': return { type: 'Polygon', coordinates: geometry.coordinates.map(next) };
      case 'MultiPolygon': return { type: 'MultiPolygon', coordinates: geometry.coordinates.map((rings) => rings.map(next)) };
      case 'GeometryCollection': return { type: 'GeometryCollection', geometries: geometry.geometries.map(rebuild) };
    }
  };
  return rebuild(drawn);
}
