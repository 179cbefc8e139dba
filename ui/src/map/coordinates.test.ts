import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Geometry, Position } from '../backend/types';
import { linesOf, project, projectGeometry, restoreGeometry, restoreLine, targetsOf } from './coordinates';

const degrees = (low: number, high: number, decimals: number): fc.Arbitrary<number> =>
  fc.double({ min: low, max: high, noNaN: true }).map((value) => Number(value.toFixed(decimals)));
const position = fc.integer({ min: 4, max: 15 }).chain((decimals) =>
  fc.tuple(degrees(-179.9, 179.9, decimals), degrees(-84, 84, decimals), fc.option(degrees(-100, 8000, 2), { nil: undefined })),
).map(([lon, lat, altitude]): Position => (altitude === undefined ? [lon, lat] : [lon, lat, altitude]));
const ring = fc.array(position, { minLength: 3, maxLength: 12 }).map((open): Position[] => [...open, [...(open[0] ?? [])]]);
const polygon = fc.array(ring, { minLength: 1, maxLength: 4 }).map((coordinates): Extract<Geometry, { type: 'Polygon' }> => ({ type: 'Polygon', coordinates }));

describe('coordinates', () => {
  it('keeps every other number bit for bit when one vertex of a polygon with holes is dragged', () => {
    fc.assert(
      fc.property(polygon, fc.nat(), fc.nat(), fc.double({ min: 1, max: 9e5, noNaN: true }), (stored, pickRing, pickVertex, shift) => {
        const drawn = projectGeometry(stored) as typeof stored;
        const ringAt = pickRing % drawn.coordinates.length;
        const line = drawn.coordinates[ringAt] ?? [];
        const at = pickVertex % (line.length - 1);
        const moved = [(line[at]?.[0] ?? 0) + shift, (line[at]?.[1] ?? 0) - shift / 3];
        line[at] = moved;
        if (at === 0) line[line.length - 1] = [...moved];
        const back = restoreGeometry(stored, drawn);
        linesOf(back).forEach((restored, r) => restored.forEach((vertex, v) => {
          const wasMoved = r === ringAt && (v === at || (at === 0 && v === restored.length - 1));
          const expected = wasMoved ? vertex.map((value, n) => (n < 2 ? Number(value.toFixed(7)) : value)) : (linesOf(stored)[r]?.[v] ?? []);
          const equal = vertex.length === expected.length && vertex.every((value, n) => Object.is(value, expected[n]) || value === expected[n]);
          if (!equal) throw new Error(`ring ${r}, vertex ${v}: ${vertex.join(' ')} instead of ${expected.join(' ')}`);
        }));
      }),
      { numRuns: 10_000 },
    );
  }, 120_000);

  it('would lose bits on the way there and back without the stored numbers', () => {
    const stored = [5.123456, 45.654321];
    const there = project(stored);
    expect(restoreLine([stored], [there])).toEqual([stored]);
    const many = Array.from({ length: 1000 }, (_, at) => [5 + at * 0.001234, 45 + at * 0.000777]);
    expect(restoreLine(many, many.map(project))).toEqual(many);
  });

  it('keeps its neighbours when a vertex is added or deleted', () => {
    const stored = [[0.1, 0.1, 5], [1.123456789, 1.3], [2.2, 2.7, 9]];
    const drawn = stored.map(project);
    const added = restoreLine(stored, [drawn[0] ?? [], drawn[1] ?? [], project([1.7, 2]), drawn[2] ?? []]);
    expect([added[0], added[1], added[3]]).toEqual(stored);
    expect(restoreLine(stored, [drawn[0] ?? [], drawn[2] ?? []])).toEqual([stored[0], stored[2]]);
  });

  it('gives a snapped vertex the numbers of its target', () => {
    const target: Geometry = { type: 'Point', coordinates: [5.5481234567891, 45.06] };
    const drawn: Geometry = { type: 'LineString', coordinates: [project([5, 45]), project(target.coordinates)] };
    const back = restoreGeometry(null, drawn, targetsOf([target]));
    expect(linesOf(back)[0]?.[1]).toEqual(target.coordinates);
  });

  it('keeps the altitude of a vertex that was moved', () => {
    expect(restoreLine([[1, 2, 431.5]], [project([1.5, 2.5])])).toEqual([[1.5, 2.5, 431.5]]);
  });
});
