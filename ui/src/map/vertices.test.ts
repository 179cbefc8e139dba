import { describe, expect, it } from 'vitest';

import type { Geometry } from '../backend/types';
import { nudge } from './steady';
import { verticesOf, withVertexAt, withoutVertex } from './vertices';

const ring: Geometry = { type: 'Polygon', coordinates: [[[0, 0, 7], [4, 0, 7], [4, 4, 7], [0, 4, 7], [0, 0, 7]]] };

describe('vertices', () => {
  it('are named once, also where a ring closes', () => {
    expect(verticesOf(ring)).toHaveLength(4);
    expect(verticesOf({ type: 'MultiPoint', coordinates: [[0, 0], [1, 1]] })).toHaveLength(2);
  });

  it('move with both ends of their ring and keep their altitude', () => {
    const [first] = verticesOf(ring);
    const moved = first === undefined ? null : withVertexAt(ring, first, [1, 1]);
    expect(moved).toEqual({ type: 'Polygon', coordinates: [[[1, 1, 7], [4, 0, 7], [4, 4, 7], [0, 4, 7], [1, 1, 7]]] });
    expect(ring.coordinates[0]?.[0]).toEqual([0, 0, 7]);
  });

  it('are not taken away below what a shape needs', () => {
    const [first] = verticesOf(ring);
    const triangle = first === undefined ? null : withoutVertex(ring, first);
    expect(triangle).toEqual({ type: 'Polygon', coordinates: [[[4, 0, 7], [4, 4, 7], [0, 4, 7], [4, 0, 7]]] });
    const [corner] = triangle === null ? [] : verticesOf(triangle);
    expect(triangle !== null && corner !== undefined && withoutVertex(triangle, corner)).toBeNull();
    const [point] = verticesOf({ type: 'MultiPoint', coordinates: [[0, 0], [1, 1]] });
    expect(point !== undefined && withoutVertex({ type: 'MultiPoint', coordinates: [[0, 0], [1, 1]] }, point)).toEqual({ type: 'MultiPoint', coordinates: [[1, 1]] });
  });
});

describe('a map that stays still', () => {
  it('moves no further than what is selected needs', () => {
    expect(nudge(10, 20, 0, 100)).toBe(0);
    expect(nudge(-5, 20, 0, 100)).toBe(-5);
    expect(nudge(90, 120, 0, 100)).toBe(20);
    expect(nudge(-50, 120, 0, 100)).toBe(0);
  });
});
