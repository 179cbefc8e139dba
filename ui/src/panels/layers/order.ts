// New ranks after a layer was put before or after another one.

import type { LayerCard } from '../../backend/types';

/** Only layers whose rank changes; the siblings of the target are numbered in their new order. */
export function reordered(layers: LayerCard[], id: string, target: string, after: boolean): { layer: string; rank: number }[] {
  const at = layers.find((layer) => layer.id === target);
  const moved = layers.find((layer) => layer.id === id);
  if (at === undefined || moved === undefined || id === target || isBelow(layers, target, id)) return [];
  const siblings = layers.filter((layer) => layer.parent === at.parent && layer.id !== id);
  siblings.splice(siblings.findIndex((layer) => layer.id === target) + (after ? 1 : 0), 0, moved);
  return siblings.map((layer, rank) => ({ layer: layer.id, rank })).filter(({ layer, rank }) => layers.find((candidate) => candidate.id === layer)?.rank !== rank);
}

/** Whether a layer lies, at any depth, in another one. */
export function isBelow(layers: LayerCard[], id: string, ancestor: string): boolean {
  const seen = new Set<string>();
  for (let at = layers.find((layer) => layer.id === id); at !== undefined && !seen.has(at.id); at = layers.find((layer) => layer.id === at?.parent)) {
    seen.add(at.id);
    if (at.parent === ancestor) return true;
  }
  return false;
}
