import { readFileSync } from 'node:fs';

import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import { describe, expect, it } from 'vitest';

import { cutAtAntimeridian } from './antimeridian';

describe('cutting at the antimeridian', () => {
  it('makes two halves of an island that lies on it', () => {
    const pieces = cutAtAntimeridian([[[178, -17], [-178, -17], [-178, -19], [178, -19], [178, -17]]]);
    expect(pieces).toHaveLength(2);
    const longitudes = pieces.map((rings) => rings.flat().map(([lon]) => lon));
    expect(longitudes.some((all) => all.every((lon) => (lon ?? 0) >= 178))).toBe(true);
    expect(longitudes.some((all) => all.every((lon) => (lon ?? 0) <= -178))).toBe(true);
  });

  it('leaves a polygon elsewhere as it is', () => {
    const ring = [[1, 1], [2, 1], [2, 2], [1, 1]];
    expect(cutAtAntimeridian([ring])[0]?.[0]?.slice(0, 3).map(String).sort()).toEqual(ring.slice(0, 3).map(String).sort());
  });

  it('leaves no edge in the world outline that is wider than half the globe', () => {
    const world = JSON.parse(readFileSync('node_modules/world-atlas/land-110m.json', 'utf8')) as Topology<{ land: GeometryCollection }>;
    const rings: number[][][] = [];
    for (const part of feature(world, world.objects.land).features) {
      const polygons = part.geometry.type === 'Polygon' ? [part.geometry.coordinates] : part.geometry.type === 'MultiPolygon' ? part.geometry.coordinates : [];
      for (const polygon of polygons) rings.push(...cutAtAntimeridian(polygon).flat());
    }
    expect(rings.length).toBeGreaterThan(100);
    for (const ring of rings) {
      ring.forEach((to, at) => {
        const from = ring[at - 1];
        const onPole = (to[1] ?? 0) <= -89.9;
        if (from !== undefined && !onPole) expect(Math.abs((to[0] ?? 0) - (from[0] ?? 0))).toBeLessThan(180);
        expect(Math.abs(to[0] ?? 0)).toBeLessThanOrEqual(180);
      });
    }
  });
});
