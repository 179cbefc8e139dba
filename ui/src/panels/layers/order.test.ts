import { describe, expect, it } from 'vitest';

import type { LayerCard } from '../../backend/types';
import { isBelow, reordered } from './order';

const card = (id: string, rank: number, parent: string | null = null): LayerCard => ({
  id, name: id, parent, depth: 0, rank, group: false, kind: 'Default', color: 'Teal', features: 0, displayOnLoad: true, fromZoom: null, toZoom: null, mayEdit: true, settings: {}, fields: [],
});

describe('the order of layers', () => {
  const layers = [card('a', 0), card('b', 1), card('c', 2), card('d', 0, 'c')];

  it('numbers the siblings anew and names only what changes', () => {
    expect(reordered(layers, 'c', 'a', false)).toEqual([{ layer: 'c', rank: 0 }, { layer: 'a', rank: 1 }, { layer: 'b', rank: 2 }]);
    expect(reordered(layers, 'a', 'b', true)).toEqual([{ layer: 'b', rank: 0 }, { layer: 'a', rank: 1 }]);
    expect(reordered(layers, 'a', 'a', true)).toEqual([]);
  });

  it('never puts a group into itself', () => {
    expect(isBelow(layers, 'd', 'c')).toBe(true);
    expect(reordered(layers, 'c', 'd', true)).toEqual([]);
  });
});
