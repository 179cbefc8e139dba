// What the map library cannot do with shapes: holes, splitting, merging, extracting. All on stored longitude and
// latitude; no vertex that is kept is computed anew.

import type { Geometry, Position } from '../backend/types';
import { roundDegrees } from './coordinates';

type Ring = Position[];

const same = (a: Position | undefined, b: Position | undefined): boolean => a?.[0] === b?.[0] && a?.[1] === b?.[1];

export function ringContains(ring: Ring, [x = 0, y = 0]: Position): boolean {
  let inside = false;
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
    const [ax = 0, ay = 0] = ring[at] ?? [];
    const [bx = 0, by = 0] = ring[before] ?? [];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** The area with a hole more, or null where the hole does not lie in it. */
export function addHole(geometry: Geometry, hole: Ring): Geometry | null {
  const fits = (rings: Ring[]): boolean =>
    hole.every((vertex) => ringContains(rings[0] ?? [], vertex)) && !rings.slice(1).some((other) => hole.some((vertex) => ringContains(other, vertex)) || other.some((vertex) => ringContains(hole, vertex)));
  if (geometry.type === 'Polygon') return fits(geometry.coordinates) ? { type: 'Polygon', coordinates: [...geometry.coordinates, hole] } : null;
  if (geometry.type === 'MultiPolygon') {
    const at = geometry.coordinates.findIndex(fits);
    if (at < 0) return null;
    return { type: 'MultiPolygon', coordinates: geometry.coordinates.map((rings, index) => (index === at ? [...rings, hole] : rings)) };
  }
  return null;
}

/** Without the hole around a place, or without the only hole; null when it is not clear which. */
export function removeHoleAt(geometry: Geometry, place: Position): Geometry | null {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  const only = polygons.reduce((sum, rings) => sum + rings.length - 1, 0) === 1;
  const without = (rings: Ring[]): Ring[] => rings.filter((ring, at) => at === 0 || !(only || ringContains(ring, place)));
  if (geometry.type === 'Polygon') {
    const rings = without(geometry.coordinates);
    return rings.length === geometry.coordinates.length ? null : { type: 'Polygon', coordinates: rings };
  }
  if (geometry.type === 'MultiPolygon') {
    const parts = geometry.coordinates.map(without);
    return parts.some((rings, at) => rings.length !== geometry.coordinates[at]?.length) ? { type: 'MultiPolygon', coordinates: parts } : null;
  }
  return null;
}

/** Several shapes of one dimension as one, or null when they are of different dimensions. */
export function merge(geometries: Geometry[]): Geometry | null {
  if (geometries.length < 2) return null;
  if (geometries.every((geometry) => geometry.type === 'Point' || geometry.type === 'MultiPoint')) {
    return { type: 'MultiPoint', coordinates: geometries.flatMap((geometry) => (geometry.type === 'Point' ? [geometry.coordinates] : geometry.type === 'MultiPoint' ? geometry.coordinates : [])) };
  }
  if (geometries.every((geometry) => geometry.type === 'LineString' || geometry.type === 'MultiLineString')) {
    const lines = geometries.flatMap((geometry) => (geometry.type === 'LineString' ? [geometry.coordinates] : geometry.type === 'MultiLineString' ? geometry.coordinates : []));
    const joined = joinEnds(lines);
    const [only] = joined;
    return joined.length === 1 && only !== undefined ? { type: 'LineString', coordinates: only } : { type: 'MultiLineString', coordinates: joined };
  }
  if (geometries.every((geometry) => geometry.type === 'Polygon' || geometry.type === 'MultiPolygon')) {
    return { type: 'MultiPolygon', coordinates: geometries.flatMap((geometry) => (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [])) };
  }
  return null;
}

/** Lines that meet in an end become one line. */
function joinEnds(lines: Ring[]): Ring[] {
  const rest = lines.map((line) => [...line]);
  for (let joined = true; joined;) {
    joined = false;
    search: for (let a = 0; a < rest.length; a += 1) {
      for (let b = a + 1; b < rest.length; b += 1) {
        const [first, second] = [rest[a] ?? [], rest[b] ?? []];
        const candidates = [[first, second], [first, second.toReversed()], [first.toReversed(), second], [second, first]] as const;
        const fit = candidates.find(([head, tail]) => same(head.at(-1), tail[0]));
        if (fit === undefined) continue;
        rest[a] = [...fit[0], ...fit[1].slice(1)];
        rest.splice(b, 1);
        joined = true;
        break search;
      }
    }
  }
  return rest;
}

/** A shape of several parts as shapes of one part each. */
export function parts(geometry: Geometry): Geometry[] {
  switch (geometry.type) {
    case 'MultiPoint': return geometry.coordinates.map((coordinates) => ({ type: 'Point', coordinates }));
    case 'MultiLineString': return geometry.coordinates.map((coordinates) => ({ type: 'LineString', coordinates }));
    case 'MultiPolygon': return geometry.coordinates.map((coordinates) => ({ type: 'Polygon', coordinates }));
    case 'GeometryCollection': return geometry.geometries.flatMap(parts);
    default: return [geometry];
  }
}

const distance = ([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position): number => Math.hypot(ax - bx, ay - by);

/** How far a place is from an edge, in degrees. */
function toEdge(place: Position, a: Position, b: Position): number {
  const [dx, dy] = [(b[0] ?? 0) - (a[0] ?? 0), (b[1] ?? 0) - (a[1] ?? 0)];
  const long = dx * dx + dy * dy;
  const share = long === 0 ? 0 : Math.max(0, Math.min(1, (((place[0] ?? 0) - (a[0] ?? 0)) * dx + ((place[1] ?? 0) - (a[1] ?? 0)) * dy) / long));
  return distance(place, [(a[0] ?? 0) + share * dx, (a[1] ?? 0) + share * dy]);
}

const toLine = (place: Position, line: Ring): number =>
  line.length === 1 ? distance(place, line[0] ?? []) : Math.min(...line.slice(1).map((vertex, at) => toEdge(place, line[at] ?? [], vertex)));

/** Which part of a multi geometry lies at a place or nearest to it; null for a geometry of one part. */
export function partAt(geometry: Geometry, place: Position): number | null {
  const all = parts(geometry);
  if (all.length < 2) return null;
  const far = all.map((part) => (part.type === 'Polygon' && ringContains(part.coordinates[0] ?? [], place) ? 0 : Math.min(...linesIn(part).map((line) => toLine(place, line)))));
  return far.indexOf(Math.min(...far));
}

function linesIn(part: Geometry): Ring[] {
  if (part.type === 'Point') return [[part.coordinates]];
  if (part.type === 'LineString') return [part.coordinates];
  return part.type === 'Polygon' ? part.coordinates : [];
}

/** Without one of its parts; a multi geometry stays one, as other programs expect of its type. */
export function withoutPart(geometry: Geometry, at: number): Geometry {
  switch (geometry.type) {
    case 'MultiPoint': return { type: 'MultiPoint', coordinates: geometry.coordinates.filter((_, index) => index !== at) };
    case 'MultiLineString': return { type: 'MultiLineString', coordinates: geometry.coordinates.filter((_, index) => index !== at) };
    case 'MultiPolygon': return { type: 'MultiPolygon', coordinates: geometry.coordinates.filter((_, index) => index !== at) };
    default: return geometry;
  }
}

/** With one part more of the same dimension; null where the part does not fit. */
export function withPart(geometry: Geometry, part: Geometry): Geometry | null {
  if (part.type === 'Point' && geometry.type === 'Point') return { type: 'MultiPoint', coordinates: [geometry.coordinates, part.coordinates] };
  if (part.type === 'Point' && geometry.type === 'MultiPoint') return { type: 'MultiPoint', coordinates: [...geometry.coordinates, part.coordinates] };
  if (part.type === 'LineString' && geometry.type === 'LineString') return { type: 'MultiLineString', coordinates: [geometry.coordinates, part.coordinates] };
  if (part.type === 'LineString' && geometry.type === 'MultiLineString') return { type: 'MultiLineString', coordinates: [...geometry.coordinates, part.coordinates] };
  if (part.type === 'Polygon' && geometry.type === 'Polygon') return { type: 'MultiPolygon', coordinates: [geometry.coordinates, part.coordinates] };
  if (part.type === 'Polygon' && geometry.type === 'MultiPolygon') return { type: 'MultiPolygon', coordinates: [...geometry.coordinates, part.coordinates] };
  return null;
}

/** A line in two at one of its inner vertices. */
export function splitAt(line: Ring, index: number): Geometry[] | null {
  if (index <= 0 || index >= line.length - 1) return null;
  return [{ type: 'LineString', coordinates: line.slice(0, index + 1) }, { type: 'LineString', coordinates: line.slice(index).map((vertex, at) => (at === 0 ? [...vertex] : vertex)) }];
}

interface Crossing { edge: number; share: number; place: Position; along: number }

function crossings(line: Ring, blade: Ring): Crossing[] {
  const found: Crossing[] = [];
  for (let edge = 0; edge + 1 < line.length; edge += 1) {
    for (let cut = 0; cut + 1 < blade.length; cut += 1) {
      const [ax = 0, ay = 0] = line[edge] ?? [];
      const [bx = 0, by = 0] = line[edge + 1] ?? [];
      const [cx = 0, cy = 0] = blade[cut] ?? [];
      const [dx = 0, dy = 0] = blade[cut + 1] ?? [];
      const turn = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx);
      if (turn === 0) continue;
      const share = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / turn;
      const along = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / turn;
      if (share < 0 || share >= 1 || along < 0 || along > 1) continue;
      const place = share === 0 ? [ax, ay] : [roundDegrees(ax + share * (bx - ax)), roundDegrees(ay + share * (by - ay))];
      found.push({ edge, share, place, along: cut + along });
    }
  }
  return found.sort((a, b) => a.edge - b.edge || a.share - b.share);
}

/**
 * A line in pieces, or a polygon in two, along a drawn line; null where that does not cut it. Of several parts the first
 * piece of each cut one stays with the others.
 */
export function split(geometry: Geometry, blade: Ring): Geometry[] | null {
  if (geometry.type === 'MultiLineString' || geometry.type === 'MultiPolygon') {
    const cut = parts(geometry).map((part) => split(part, blade) ?? [part]);
    const off = cut.flatMap((pieces) => pieces.slice(1));
    if (off.length === 0) return null;
    const kept = cut.flatMap((pieces) => pieces.slice(0, 1));
    const rest: Geometry = geometry.type === 'MultiLineString'
      ? { type: 'MultiLineString', coordinates: kept.flatMap((part) => (part.type === 'LineString' ? [part.coordinates] : [])) }
      : { type: 'MultiPolygon', coordinates: kept.flatMap((part) => (part.type === 'Polygon' ? [part.coordinates] : [])) };
    return [rest, ...off];
  }
  if (geometry.type === 'LineString') return splitLine(geometry.coordinates, blade);
  if (geometry.type === 'Polygon') return splitPolygon(geometry.coordinates, blade);
  return null;
}

function splitLine(line: Ring, blade: Ring): Geometry[] | null {
  const cuts = crossings(line, blade).filter((cut) => !(cut.edge === 0 && cut.share === 0));
  if (cuts.length === 0) return null;
  const pieces: Ring[] = [];
  let piece: Ring = [];
  line.forEach((vertex, at) => {
    if (!same(piece.at(-1), vertex)) piece.push(vertex);
    for (const cut of cuts.filter((candidate) => candidate.edge === at)) {
      if (!same(piece.at(-1), cut.place)) piece.push(cut.place);
      pieces.push(piece);
      piece = [cut.place];
    }
  });
  pieces.push(piece);
  const whole = pieces.filter((candidate) => candidate.length > 1);
  return whole.length > 1 ? whole.map((coordinates) => ({ type: 'LineString', coordinates })) : null;
}

function splitPolygon(rings: Ring[], blade: Ring): Geometry[] | null {
  const [outer, ...holes] = rings;
  if (outer === undefined) return null;
  const cuts = crossings(outer, blade);
  if (cuts.length !== 2 || holes.some((hole) => crossings(hole, blade).length > 0)) return null;
  const [a, b] = cuts as [Crossing, Crossing];
  const inner = blade.slice(Math.floor(Math.min(a.along, b.along)) + 1, Math.ceil(Math.max(a.along, b.along)));
  const seam = a.along <= b.along ? [a.place, ...inner, b.place] : [a.place, ...inner.toReversed(), b.place];
  const open = outer.slice(0, -1);
  const between = open.slice(a.edge + 1, b.edge + 1);
  const around = [...open.slice(b.edge + 1), ...open.slice(0, a.edge + 1)];
  const close = (ring: Ring): Ring => {
    const clean = ring.filter((vertex, at) => !same(vertex, ring[at - 1]));
    const [first] = clean;
    return first === undefined || same(first, clean.at(-1)) ? clean : [...clean, [...first]];
  };
  const halves = [close([...seam.toReversed(), ...between]), close([...seam, ...around])];
  if (halves.some((ring) => ring.length < 4)) return null;
  return halves.map((ring) => ({ type: 'Polygon', coordinates: [ring, ...holes.filter((hole) => ringContains(ring, hole[0] ?? []))] }));
}
