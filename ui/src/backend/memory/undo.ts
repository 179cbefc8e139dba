// Undo in memory: the state before comes back, but never over what somebody else wrote since.

import type { Undone } from '../../generated/Undone';
import { bagOf } from './apply';
import type { Snapshot, StoredMap } from './model';
import { textOf } from './model';

/** Puts a state back and names what was left as somebody else has written it. */
export function restore(map: StoredMap, state: Snapshot, since = Infinity): Undone[] {
  const foreign = map.foreign.filter((write) => write.revision > since);
  const kept = foreign.map((write) => {
    const feature = map.features.get(write.object);
    const place = feature === undefined ? null : bagOf(feature, write.key);
    return { write, value: place === null ? undefined : place.bag[place.key] };
  });
  const copy = structuredClone(state);
  map.layers = copy.layers;
  map.features = copy.features;
  map.settings = copy.settings;
  map.name = textOf(copy.settings['name']) || map.name;
  const left: Undone[] = [];
  for (const { write, value } of kept) {
    const feature = map.features.get(write.object);
    if (feature === undefined || value === undefined) continue;
    const { bag, key } = bagOf(feature, write.key);
    if (JSON.stringify(bag[key]) === JSON.stringify(value)) continue;
    bag[key] = value;
    left.push({ object: write.object, key: `properties.${write.key}`, by: write.by });
  }
  return left;
}
