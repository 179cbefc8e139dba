// The vertices of a stored shape, one by one: for walking over them with the keyboard, moving one, taking one away.

import type { Geometry, Position } from '../backend/types';
import { linesOf, project } from './coordinates';

export interface Vertex { line: number; index: number; drawn: Position }

const closed = (geometry: Geometry): boolean => geometry.type.endsWith('Polygon');

/** Every vertex once; a ring's last one is its first. */
export function verticesOf(geometry: Geometry): Vertex[] {
  return linesOf(geometry).flatMap((line, at) => line.slice(0, closed(geometry) ? -1 : undefined).map((position, index) => ({ line: at, index, drawn: project(position) })));
}

/** With a vertex at another place; its altitude stays unless the new place brings one. */
export function withVertexAt(geometry: Geometry, vertex: Vertex, place: Position): Geometry {
  const changed = structuredClone(geometry);
  const line = linesOf(changed)[vertex.line];
  const old = line?.[vertex.index];
  if (line === undefined || old === undefined) return changed;
  const moved = place.length > 2 ? [...place] : [...place, ...old.slice(2)];
  old.splice(0, old.length, ...moved);
  if (closed(geometry) && vertex.index === 0) line[line.length - 1] = [...moved];
  return changed;
}

/** Without a vertex; null where too few would be left. A point of several and a part that gets too small go whole. */
export function withoutVertex(geometry: Geometry, vertex: Vertex): Geometry | null {
  const least = closed(geometry) ? 4 : 2;
  const line = linesOf(geometry)[vertex.line];
  if (line === undefined) return null;
  if (geometry.type === 'MultiPoint') {
    const rest = geometry.coordinates.filter((_, at) => at !== vertex.line);
    return rest.length === 0 ? null : { type: 'MultiPoint', coordinates: rest };
  }
  if (line.length <= least) return null;
  const changed = structuredClone(geometry);
  const target = linesOf(changed)[vertex.line];
  if (target === undefined) return null;
  target.splice(vertex.index, 1);
  if (closed(geometry) && vertex.index === 0) target[target.length - 1] = [...(target[0] ?? [])];
  return changed;
}
