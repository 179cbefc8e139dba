import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Geometry } from '../backend/types';
import { measure } from './measure';
import { addHole, merge, partAt, parts, removeHoleAt, split, splitAt, withPart, withoutPart } from './shapes';

const square: Extract<Geometry, { type: 'Polygon' }> = { type: 'Polygon', coordinates: [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]] };
const hole = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]];

describe('shapes', () => {
  it('adds a hole inside, none outside, and takes it away again', () => {
    const holed = addHole(square, hole);
    expect(holed).toEqual({ type: 'Polygon', coordinates: [...square.coordinates, hole] });
    expect(addHole(square, hole.map(([x = 0, y = 0]) => [x + 3, y]))).toBeNull();
    expect(holed !== null && addHole(holed, hole)).toBeNull();
    expect(holed !== null && removeHoleAt(holed, [1.5, 1.5])).toEqual(square);
    expect(removeHoleAt(square, [1.5, 1.5])).toBeNull();
  });

  it('splits a polygon in two that together are as large, with the hole in its half', () => {
    const holed = addHole(square, hole) ?? square;
    const halves = split(holed, [[3, -1], [3, 5]]) ?? [];
    expect(halves).toHaveLength(2);
    const sum = halves.reduce((area, half) => area + (measure(half).area ?? 0), 0);
    expect(sum / (measure(holed).area ?? 1)).toBeCloseTo(1, 3);
    expect(halves.map((half) => (half.type === 'Polygon' ? half.coordinates.length : 0)).sort()).toEqual([1, 2]);
    expect(split(holed, [[1.5, -1], [1.5, 5]])).toBeNull();
  });

  it('keeps every vertex of a split polygon', () => {
    fc.assert(fc.property(fc.double({ min: 0.1, max: 3.9, noNaN: true }), fc.double({ min: 0.1, max: 3.9, noNaN: true }), (low, high) => {
      const halves = split(square, [[low, -1], [(low + high) / 2, 2], [high, 5]]) ?? [];
      const kept = halves.flatMap((half) => (half.type === 'Polygon' ? half.coordinates.flat() : [])).map(String);
      return square.coordinates[0]?.every((vertex) => kept.includes(String(vertex))) === true;
    }));
  });

  it('splits a line into pieces that begin where the last one ended', () => {
    const pieces = split({ type: 'LineString', coordinates: [[0, 0], [4, 0], [4, 4]] }, [[1, -1], [1, 1], [5, 3]]);
    expect(pieces).toEqual([
      { type: 'LineString', coordinates: [[0, 0], [1, 0]] },
      { type: 'LineString', coordinates: [[1, 0], [4, 0], [4, 2.5]] },
      { type: 'LineString', coordinates: [[4, 2.5], [4, 4]] },
    ]);
    expect(split({ type: 'LineString', coordinates: [[0, 0], [1, 0]] }, [[0, 5], [1, 5]])).toBeNull();
  });

  it('merges lines that meet into one and takes parts out again', () => {
    expect(merge([{ type: 'LineString', coordinates: [[0, 0], [1, 1]] }, { type: 'LineString', coordinates: [[2, 2], [1, 1]] }])).toEqual({ type: 'LineString', coordinates: [[0, 0], [1, 1], [2, 2]] });
    const both = merge([square, { type: 'Polygon', coordinates: [hole] }]);
    expect(both?.type).toBe('MultiPolygon');
    expect(both !== null && parts(both)).toEqual([square, { type: 'Polygon', coordinates: [hole] }]);
    expect(merge([square, { type: 'Point', coordinates: [0, 0] }])).toBeNull();
  });

  it('cuts parts of a multi geometry and leaves the others alone', () => {
    const far: Geometry = { type: 'Polygon', coordinates: [[[10, 0], [14, 0], [14, 4], [10, 0]]] };
    const both = withPart(square, far);
    expect(both).toEqual({ type: 'MultiPolygon', coordinates: [square.coordinates, far.coordinates] });
    const pieces = both === null ? null : split(both, [[2, -1], [2, 5]]);
    expect(pieces).toHaveLength(2);
    expect(pieces?.[0]).toMatchObject({ type: 'MultiPolygon', coordinates: [expect.anything(), far.coordinates] });
    expect(both !== null && split(both, [[20, 20], [21, 21]])).toBeNull();
  });

  it('finds, adds and takes away a part', () => {
    const lines: Geometry = { type: 'MultiLineString', coordinates: [[[0, 0], [4, 0]], [[0, 5], [4, 5]]] };
    expect(partAt(lines, [2, 4.5])).toBe(1);
    expect(partAt(square, [1, 1])).toBeNull();
    expect(withoutPart(lines, 0)).toEqual({ type: 'MultiLineString', coordinates: [[[0, 5], [4, 5]]] });
    expect(withPart({ type: 'Point', coordinates: [1, 2] }, { type: 'Point', coordinates: [3, 4] })).toEqual({ type: 'MultiPoint', coordinates: [[1, 2], [3, 4]] });
    expect(withPart(lines, square)).toBeNull();
  });

  it('splits a line at an inner vertex only', () => {
    const line = [[0, 0], [1, 1], [2, 0]];
    expect(splitAt(line, 1)).toEqual([{ type: 'LineString', coordinates: [[0, 0], [1, 1]] }, { type: 'LineString', coordinates: [[1, 1], [2, 0]] }]);
    expect(splitAt(line, 0)).toBeNull();
    expect(splitAt(line, 2)).toBeNull();
  });
});
