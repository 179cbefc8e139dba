// Polygons that cross the line of 180 degrees are cut there, or they would be drawn as bars across the world.

import type { Position } from '../backend/types';

type Ring = Position[];

const x = (position: Position | undefined): number => position?.[0] ?? 0;
const y = (position: Position | undefined): number => position?.[1] ?? 0;

/** Longitudes without jumps: neighbours are never further apart than half a turn. */
export function unwrap(ring: Ring): Ring {
  let turn = 0;
  return ring.map((position, at) => {
    const before = ring[at - 1];
    if (before !== undefined) {
      const step = x(position) - x(before);
      if (step > 180) turn -= 360;
      else if (step < -180) turn += 360;
    }
    return [x(position) + turn, y(position)];
  });
}

/** A ring around a pole does not close when unwrapped; it is led along the pole. */
function closeAtPole(ring: Ring): Ring {
  const [first, last] = [ring[0], ring.at(-1)];
  if (Math.abs(x(last) - x(first)) < 180) return ring;
  const pole = y(first) < 0 ? -90 : 90;
  return [...ring, [x(last), pole], [x(first), pole], [x(first), y(first)]];
}

/** The part of a ring on one side of a meridian (Sutherland and Hodgman). */
export function clip(ring: Ring, meridian: number, keepWest: boolean): Ring {
  const inside = (position: Position): boolean => (keepWest ? x(position) <= meridian : x(position) >= meridian);
  const result: Ring = [];
  ring.forEach((to, at) => {
    const from = ring[(at + ring.length - 1) % ring.length] ?? to;
    if (inside(from) !== inside(to)) {
      const share = (meridian - x(from)) / (x(to) - x(from));
      result.push([meridian, y(from) + share * (y(to) - y(from))]);
    }
    if (inside(to)) result.push(to);
  });
  const [first] = result;
  if (first !== undefined && (x(first) !== x(result.at(-1)) || y(first) !== y(result.at(-1)))) result.push([...first]);
  return result.length >= 4 ? result : [];
}

/** A polygon as polygons that all lie between -180 and 180. */
export function cutAtAntimeridian(polygon: Ring[]): Ring[][] {
  const rings = polygon.map((ring) => closeAtPole(unwrap(ring)));
  const all = rings.flat().map(x);
  const low = all.reduce((a, b) => Math.min(a, b), 180);
  const high = all.reduce((a, b) => Math.max(a, b), -180);
  const pieces: Ring[][] = [];
  for (let turn = Math.floor((low + 180) / 360); turn <= Math.floor((high + 179.999999) / 360); turn += 1) {
    const [west, east] = [turn * 360 - 180, turn * 360 + 180];
    const piece = rings
      .map((ring) => clip(clip(ring, west, false), east, true))
      .filter((ring) => ring.length > 0)
      .map((ring) => ring.map((position): Position => [x(position) - turn * 360, y(position)]));
    if (piece.length > 0) pieces.push(piece);
  }
  return pieces;
}
