// What the map in memory looks like from the window: cards, views, the chip.

import type { Chip, FeatureDetail, LayerCard, MapCard, MapView, PendingEntry, SyncView } from '../types';
import { DEFAULTS, inherited } from './inherit';
import type { Feature, StoredMap } from './model';
import { asObject, boundsOf, textOf } from './model';

export const waiting = (map: StoredMap): number => map.pending.reduce((sum, entry) => sum + entry.rows.length, 0);

export function cardOf(map: StoredMap): MapCard {
  return {
    id: map.id, name: map.name, server: map.server, onServer: map.server !== null, account: map.account, features: map.features.size,
    layers: [...map.layers.values()].filter((layer) => !layer.group).length, syncedAt: map.syncedAt, waiting: waiting(map),
    conflicts: map.conflicts.length, trouble: map.trouble, openedAt: null, readOnly: map.readOnly,
  };
}

export function viewOf(map: StoredMap): MapView {
  const center = asObject(map.settings['center']);
  const zoom = map.settings['zoom'];
  return structuredClone({
    id: map.id, name: map.name, server: map.server, address: map.address, account: map.account, readOnly: map.readOnly, readOnlyWhy: map.readOnly ? 'opened' : null, revision: map.revision,
    rights: { mayEdit: !map.readOnly, mayEditMap: !map.readOnly, editStatus: map.server === null ? null : 2, shareStatus: map.server === null ? null : 1 }, settings: map.settings, layers: layerCards(map),
    bounds: boundsOf([...map.features.values()].map((feature) => feature.geometry)),
    center: typeof center['lat'] === 'number' && typeof center['lng'] === 'number' ? { lon: center['lng'], lat: center['lat'] } : null, zoom: typeof zoom === 'number' ? zoom : null,
    undo: map.undo.at(-1)?.label ?? null, redo: map.redo.at(-1)?.label ?? null,
  });
}

export function detailOf(map: StoredMap, ref: string, feature: Feature): FeatureDetail {
  const layer = map.layers.get(feature.layer);
  const from = Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, inherited(map, layer, key)]));
  const pending = map.pending.find((entry) => entry.object === ref);
  return structuredClone({
    object: ref, alive: true, layer: feature.layer, id: feature.id, geometry: JSON.stringify(feature.geometry), properties: feature.properties, options: feature.options,
    inherited: from, saveState: pending?.state ?? ('verified' as const), mayEdit: !map.readOnly && layer?.mayEdit === true,
    layerName: layer?.name ?? '', fields: layer?.fields ?? [],
  });
}

function layerCards(map: StoredMap): LayerCard[] {
  const cards: LayerCard[] = [];
  const visit = (parent: string | null, depth: number): void => {
    const children = [...map.layers.values()].filter((layer) => layer.parent === parent).sort((a, b) => a.rank - b.rank);
    for (const layer of children) {
      cards.push({
        id: layer.id, name: layer.name, parent: layer.parent, depth, rank: layer.rank, group: layer.group, kind: layer.kind,
        color: textOf(layer.settings['color']) || textOf(DEFAULTS['color']),
        features: [...map.features.values()].filter((feature) => feature.layer === layer.id).length,
        displayOnLoad: layer.settings['displayOnLoad'] !== false, fromZoom: null, toZoom: null, mayEdit: layer.mayEdit && !map.readOnly,
        settings: layer.settings, fields: layer.fields,
      });
      visit(layer.id, depth + 1);
    }
  };
  visit(null, 0);
  return cards;
}

export function syncOf(map: StoredMap, online: boolean, now: number): SyncView {
  const count = (state: PendingEntry['state']): number => map.pending.filter((entry) => entry.state === state).reduce((sum, entry) => sum + entry.rows.length, 0);
  const counts = { local: count('local'), sent: count('sent'), echoed: count('echoed'), saved: count('saved'), verified: 214, lost: 0, foreignUnsaved: 3, conflicts: map.conflicts.length, proposals: map.proposals.length };
  return {
    chip: chipOf(map, online), state: online ? ('live' as const) : ('offline' as const), realTime: true, online, counts,
    peers: [
      ...(online ? [
        { id: 'p1', name: 'Ange', mine: false, bivouac: true, here: true, lastSeen: now - 4000, unsaved: 2 },
        { id: 'p2', name: '', mine: false, bivouac: false, here: true, lastSeen: now - 61_000, unsaved: 0 },
        { id: 'p0', name: map.account ?? '', mine: true, bivouac: true, here: true, lastSeen: null, unsaved: 0 },
      ] : []),
      { id: 'p9', name: 'Michèle', mine: false, bivouac: true, here: false, lastSeen: now - 5 * 3_600_000, unsaved: 3 },
    ].filter(() => map.server !== null),
    clockSkewMs: null, syncedAt: map.syncedAt, account: map.account,
  };
}

function chipOf(map: StoredMap, online: boolean): Chip {
  const toSend = map.pending.filter((entry) => entry.state === 'local').reduce((sum, entry) => sum + entry.rows.length, 0);
  const total = waiting(map);
  const base = { toSend, toSave: total - toSend, done: total - toSend, total, decisions: map.conflicts.length + map.proposals.length, at: map.syncedAt, code: null };
  if (map.readOnly) return { ...base, kind: 'read-only' };
  if (map.server === null) return { ...base, kind: 'local-only' };
  if (!online) return { ...base, kind: 'offline' };
  if (total > 0) return { ...base, kind: 'syncing' };
  if (base.decisions > 0) return { ...base, kind: 'decisions' };
  return { ...base, kind: 'up-to-date' };
}
