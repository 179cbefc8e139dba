// Edits written into the map in memory, as the core would, each with its row in the pending list and in history.

import type { Edit, Field, Geometry, Json, JsonObject, PendingEntry, Problem } from '../types';
import type { Feature, Layer, StoredMap } from './model';
import { asObject, boundsOf, refOf, textOf } from './model';
import { makeId } from './sample';

export interface Clerk { now: () => number; row: () => number }

const VERBS = { added: 'upsert', changed: 'update', deleted: 'delete' };

export const fail = (code: string, text: string, detail: string | null = null): never => {
  throw { code, text, detail } satisfies Problem;
};

/** Applies one edit and names its object. */
export function apply(map: StoredMap, edit: Edit, clerk: Clerk): string {
  switch (edit.do) {
    case 'add':
    case 'set':
    case 'unset':
    case 'geometry':
    case 'delete':
    case 'move': return applyToFeature(map, edit, clerk);
    case 'layer-add':
    case 'layer-set':
    case 'layer-unset':
    case 'layer-delete': return applyToLayer(map, edit, clerk);
    case 'map-set':
    case 'map-unset': {
      put(map.settings, edit.key, edit.do === 'map-set' ? edit.value : undefined);
      if (edit.key === 'name' && edit.do === 'map-set') map.name = textOf(edit.value);
      recordLayer(map, 'map', map.name, 'changed', clerk);
      return 'map';
    }
  }
}

type FeatureEdit = Extract<Edit, { do: 'add' | 'set' | 'unset' | 'geometry' | 'delete' | 'move' }>;
type LayerEdit = Extract<Edit, { do: `layer-${string}` }>;

function applyToFeature(map: StoredMap, edit: FeatureEdit, clerk: Clerk): string {
  if (edit.do === 'add') {
    if (!findLayer(map, edit.layer).mayEdit) fail('not_allowed', 'add the feature: its layer is protected');
    const { _umap_options: options, ...properties } = edit.feature.properties;
    const feature: Feature = { id: makeId(Math.random), layer: edit.layer, geometry: structuredClone(edit.feature.geometry) as Geometry, properties: structuredClone(properties), options: asObject(options) };
    map.features.set(refOf(feature), feature);
    record(map, feature, 'added', null, null, null, clerk);
    return refOf(feature);
  }
  const feature = map.features.get(edit.feature) ?? fail('not_found', 'find the feature');
  if (map.layers.get(feature.layer)?.mayEdit !== true) fail('not_allowed', 'edit the feature: its layer is protected');
  switch (edit.do) {
    case 'set':
    case 'unset': {
      const { bag, key } = bagOf(feature, edit.key);
      const from = bag[key] ?? null;
      if (edit.do === 'set') bag[key] = structuredClone(edit.value);
      else delete bag[key];
      record(map, feature, 'changed', `properties.${edit.key}`, from, edit.do === 'set' ? edit.value : null, clerk);
      return edit.feature;
    }
    case 'geometry': {
      const from = feature.geometry;
      feature.geometry = structuredClone(edit.geometry) as Geometry;
      record(map, feature, 'changed', 'geometry', from, feature.geometry, clerk);
      return edit.feature;
    }
    case 'delete':
      map.features.delete(edit.feature);
      record(map, feature, 'deleted', null, null, null, clerk);
      return edit.feature;
    case 'move': {
      if (!findLayer(map, edit.to).mayEdit) fail('not_allowed', 'move the feature: the layer is protected');
      map.features.delete(edit.feature);
      feature.layer = edit.to;
      map.features.set(refOf(feature), feature);
      record(map, feature, 'changed', 'layer', null, null, clerk);
      return refOf(feature);
    }
  }
}

function applyToLayer(map: StoredMap, edit: LayerEdit, clerk: Clerk): string {
  switch (edit.do) {
    case 'layer-add': {
      const id = crypto.randomUUID();
      const settings: JsonObject = { displayOnLoad: true, name: edit.name, ...edit.properties };
      map.layers.set(id, { id, name: edit.name, parent: edit.parent ?? null, rank: map.layers.size, group: settings['group'] === true, kind: 'Default', mayEdit: true, settings, fields: [] });
      recordLayer(map, id, edit.name, 'added', clerk);
      return id;
    }
    case 'layer-set':
    case 'layer-unset': {
      const layer = findLayer(map, edit.layer);
      const value: Json = edit.do === 'layer-set' ? edit.value : null;
      if (edit.key === 'rank') layer.rank = Number(value);
      else if (edit.key === 'parentId') layer.parent = typeof value === 'string' ? value : null;
      else put(layer.settings, edit.key, edit.do === 'layer-set' ? value : undefined);
      if (edit.key === 'name') layer.name = textOf(value);
      if (edit.key === 'type') layer.kind = textOf(value) as Layer['kind'];
      if (edit.key === 'fields') layer.fields = fieldsOf(value);
      recordLayer(map, layer.id, layer.name, 'changed', clerk);
      return edit.layer;
    }
    case 'layer-delete': {
      const layer = findLayer(map, edit.layer);
      map.layers.delete(edit.layer);
      for (const [ref, feature] of map.features) if (feature.layer === edit.layer) map.features.delete(ref);
      for (const child of map.layers.values()) if (child.parent === edit.layer) child.parent = null;
      recordLayer(map, layer.id, layer.name, 'deleted', clerk);
      return edit.layer;
    }
  }
}

/** Where a key of a feature lies: in its properties or in its style. */
export function bagOf(feature: Feature, key: string): { bag: JsonObject; key: string } {
  const option = key.startsWith('_umap_options.');
  return { bag: option ? feature.options : feature.properties, key: option ? key.slice('_umap_options.'.length) : key };
}

export function fieldsOf(value: Json): Field[] {
  return Array.isArray(value) ? value.map(asObject).map((entry): Field => ({ key: textOf(entry['key']), type: textOf(entry['type']) || 'String', values: Array.isArray(entry['values']) ? entry['values'].map(textOf) : [], fromMap: false })) : [];
}

const findLayer = (map: StoredMap, id: string): Layer => map.layers.get(id) ?? fail('not_found', 'find the layer');

/** Sets a key, one object deep where it has a dot; `undefined` takes it away. */
function put(settings: JsonObject, path: string, value: Json | undefined): void {
  const [head = '', ...rest] = path.split('.');
  const bag = rest.length === 0 ? settings : { ...asObject(settings[head]) };
  const key = rest.length === 0 ? head : rest.join('.');
  if (value === undefined) delete bag[key];
  else bag[key] = structuredClone(value);
  if (rest.length > 0) settings[head] = bag;
}

function record(map: StoredMap, feature: Feature, verb: PendingEntry['verb'], key: string | null, from: Json, to: Json, clerk: Clerk): void {
  const ref = refOf(feature);
  const row = clerk.row();
  const entries = map.history.get(ref) ?? [];
  entries.unshift({ row, at: clerk.now(), who: map.account, mine: true, server: false, current: true, verb: VERBS[verb], key, from, to, state: 'local' });
  map.history.set(ref, entries);
  map.pending.unshift({
    rows: [row], object: ref, layerName: map.layers.get(feature.layer)?.name ?? '', name: textOf(feature.properties['name']), verb,
    keys: key === null ? [] : [key], at: clerk.now(), state: 'local', bounds: boundsOf([feature.geometry]),
  });
}

function recordLayer(map: StoredMap, object: string, name: string, verb: PendingEntry['verb'], clerk: Clerk): void {
  map.pending.unshift({ rows: [clerk.row()], object, layerName: name, name, verb, keys: [], at: clerk.now(), state: 'local', bounds: null });
}
