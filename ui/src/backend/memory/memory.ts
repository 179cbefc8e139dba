// The backend without a core: everything in memory, for the development server and the tests in a browser.

import type { Backend } from '../backend';
import type { Chip, DeskEvent, Edit, Field, Geometry, Json, LayerCard, LonLatBox, MapCard, MapView, PendingEntry, Problem, Side, SyncView, TakeOffline, UndoSummary, WrittenEdit } from '../types';
import { draw, inBox, ruleOf } from './draw';
import { DEFAULTS, inherited } from './inherit';
import type { Feature, Layer, StoredMap, Snapshot } from './model';
import { boundsOf, refOf, snapshot, textOf } from './model';
import { MemoryPictures } from './pictures';
import { emptyMap, makeId, sampleMap } from './sample';

export interface MemoryOptions {
  /** The clock, so that pictures are the same on every day. */
  now?: () => number;
  /** Start without any map. */
  empty?: boolean;
  /** How long the steps of long work take. */
  stepMs?: number;
}

const VERBS = { added: 'upsert', changed: 'update', deleted: 'delete' };

const fail = (code: string, text: string, detail: string | null = null): never => {
  throw { code, text, detail } satisfies Problem;
};

export class MemoryBackend implements Backend {
  private readonly maps = new Map<string, StoredMap>();
  private readonly handlers = new Set<(event: DeskEvent) => void>();
  private open: StoredMap | null = null;
  readonly pictures = new MemoryPictures(() => this.open?.settings['tilelayer'] !== undefined);
  private online = false;
  private cancelled = false;
  private nextRow = 1000;
  private readonly now: () => number;
  private readonly stepMs: number;
  /** Set by tests: the next write fails with this code. */
  failNext: string | null = null;

  constructor(options: MemoryOptions = {}) {
    this.now = options.now ?? Date.now;
    this.stepMs = options.stepMs ?? 250;
    if (options.empty === true) return;
    const survey = sampleMap('survey', this.now());
    this.maps.set(survey.id, survey);
    const quiet = emptyMap('quiet', 'Drinking water along the GR 54, Oisans and Écrins (all fountains checked by the club between May and September)', 'https://umap.openstreetmap.fr');
    quiet.syncedAt = this.now() - 26 * 3_600_000;
    this.maps.set(quiet.id, quiet);
    const local = emptyMap('local', 'Scratch map', null);
    this.maps.set(local.id, local);
    const busy = emptyMap('busy', 'Flood marks', 'https://umap.example.org');
    busy.trouble = { code: 'in_use', text: 'in use', holder: 'bivouac (4711)' };
    this.maps.set(busy.id, busy);
    const broken = emptyMap('broken', 'Bat roosts', 'https://umap.example.org');
    broken.trouble = { code: 'damaged', text: 'database disk image is malformed', holder: null };
    this.maps.set(broken.id, broken);
  }

  listen(handler: (event: DeskEvent) => void): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  emit(event: DeskEvent): void {
    for (const handler of this.handlers) handler(event);
  }

  async library() {
    return { maps: [...this.maps.values()].map((map) => this.card(map)), folder: '~/.local/share/bivouac', open: this.open?.id ?? null };
  }

  async createMap(name: string, layer: string, server: string | null) {
    const id = makeId(Math.random);
    const map = emptyMap(id, name, server);
    map.layers.set('layer-first', { id: 'layer-first', name: layer, parent: null, rank: 0, group: false, kind: 'Default', mayEdit: true, settings: { displayOnLoad: true, name: layer }, fields: [] });
    this.maps.set(id, map);
    this.emit({ kind: 'library' });
    return id;
  }

  async addSample() {
    const id = makeId(Math.random);
    this.maps.set(id, sampleMap(id, this.now(), 'Sample: Vercors field survey'));
    this.emit({ kind: 'library' });
    return id;
  }

  async takeOffline(request: TakeOffline) {
    this.cancelled = false;
    if (!/^https?:\/\/[^/]+\/.*map\/.+/.test(request.address)) fail('bad_input', 'open the map: this is not the address of a map');
    if (request.address.includes('private') && request.password === undefined) fail('sign_in_needed', 'open the map: sign in first');
    if (request.address.includes('unreachable')) fail('offline', 'open the map: connection refused');
    const total = 12;
    for (let done = 0; done <= total; done += 1) {
      this.emit({ kind: 'progress', what: 'reading-layers', done, total });
      await new Promise((resolve) => setTimeout(resolve, this.stepMs));
      if (this.cancelled) fail('cancelled', 'open the map: stopped');
    }
    const id = makeId(Math.random);
    this.maps.set(id, sampleMap(id, this.now(), 'Taken offline'));
    this.emit({ kind: 'library' });
    return id;
  }

  async cancel() {
    this.cancelled = true;
  }

  async removeMap(id: string, discard: boolean) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    const waiting = this.waiting(map);
    if (waiting > 0 && !discard) fail('unsent', `remove the map: ${waiting} edits were never verified`, String(waiting));
    this.maps.delete(id);
    this.emit({ kind: 'library' });
  }

  async openMap(id: string) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    if (map.trouble !== null) fail(map.trouble.code, map.trouble.text, map.trouble.holder);
    map.readOnly = false;
    this.open = map;
    return this.view(map);
  }

  async openReadOnly(id: string) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    map.readOnly = true;
    this.open = map;
    return this.view(map);
  }

  async backUp(id: string) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    return { sound: map.trouble === null, bytes: 120_000 };
  }

  async rescue(id: string) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    return { layers: map.layers.size, features: map.features.size, unreadable: map.trouble?.code === 'damaged' ? 3 : 0 };
  }

  async closeMap() {
    this.open = null;
    this.online = false;
  }

  async mapView() {
    return this.view(this.current());
  }

  async viewport(query: Parameters<Backend['viewport']>[0]) {
    return draw(this.current(), query);
  }

  async legend() {
    const map = this.current();
    return [...map.layers.values()].map((layer) => ({ layer: layer.id, entries: ruleOf(map, layer).legend })).filter((legend) => legend.entries.length > 0);
  }

  async feature(ref: string) {
    const map = this.current();
    const feature = map.features.get(ref) ?? fail('not_found', 'find the feature');
    const layer = map.layers.get(feature.layer);
    const from = Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, inherited(map, layer, key)]));
    const pending = map.pending.find((entry) => entry.object === ref);
    return structuredClone({
      object: ref, alive: true, layer: feature.layer, id: feature.id, geometry: JSON.stringify(feature.geometry), properties: feature.properties, options: feature.options,
      inherited: from, saveState: pending?.state ?? ('verified' as const), mayEdit: !map.readOnly && layer?.mayEdit === true,
      layerName: layer?.name ?? '', fields: layer?.fields ?? [],
    });
  }

  async featuresIn(box: LonLatBox, limit: number) {
    const found = inBox(this.current(), box, limit + 1);
    const features = found.slice(0, limit).map((feature) => ({
      object: refOf(feature), feature: { type: 'Feature' as const, id: feature.id, geometry: feature.geometry as { type: string; coordinates: unknown }, properties: { ...feature.properties, _umap_options: feature.options } },
    }));
    return structuredClone({ more: found.length > limit, features });
  }

  async history(ref: string) {
    return structuredClone(this.current().history.get(ref) ?? []);
  }

  async takeBack(row: number) {
    const map = this.current();
    for (const [ref, entries] of map.history) {
      const entry = entries.find((candidate) => candidate.row === row);
      if (entry?.key == null) continue;
      const key = entry.key.replace('properties.', '');
      await this.edit('take back', [entry.from === null ? { do: 'unset', feature: ref, key } : { do: 'set', feature: ref, key, value: entry.from }]);
      return;
    }
    fail('not_found', 'find the edit');
  }

  async edit(label: string, edits: Edit[]): Promise<WrittenEdit> {
    const map = this.current();
    if (this.failNext !== null) {
      const code = this.failNext;
      this.failNext = null;
      fail(code, 'write to the map: no space left on the device');
    }
    if (map.readOnly) fail('not_allowed', 'edit the map: it is open for reading only');
    const before = snapshot(map);
    const objects: string[] = [];
    try {
      for (const edit of edits) objects.push(this.apply(map, edit));
    } catch (error) {
      this.restore(map, before);
      throw error;
    }
    map.undo.push({ label, before, after: snapshot(map) });
    map.redo = [];
    this.changed(map, objects);
    return { objects, notes: [], revision: map.revision };
  }

  async undo(): Promise<UndoSummary> {
    const map = this.current();
    const unit = map.undo.pop() ?? fail('bad_input', 'undo: there is nothing to undo');
    this.restore(map, unit.before);
    map.redo.push(unit);
    this.changed(map, null);
    return { label: unit.label, changed: 1, leftOut: [], revision: map.revision };
  }

  async redo(): Promise<UndoSummary> {
    const map = this.current();
    const unit = map.redo.pop() ?? fail('bad_input', 'redo: there is nothing to redo');
    this.restore(map, unit.after);
    map.undo.push(unit);
    this.changed(map, null);
    return { label: unit.label, changed: 1, leftOut: [], revision: map.revision };
  }

  async syncView() {
    return this.sync(this.current());
  }

  async goOnline() {
    const map = this.current();
    if (map.server === null) fail('bad_input', 'go online: this map has no server');
    this.online = true;
    this.tellSync(map);
    const steps: PendingEntry['state'][] = ['sent', 'echoed', 'saved', 'verified'];
    for (const state of steps) {
      await new Promise((resolve) => setTimeout(resolve, this.stepMs));
      if (!this.online || this.open !== map) return;
      for (const entry of map.pending) entry.state = state;
      this.tellSync(map);
    }
    map.pending = [];
    map.syncedAt = this.now();
    map.log.unshift({ id: this.nextRow++, at: this.now(), code: 'verified', detail: '' });
    this.tellSync(map);
    this.emit({ kind: 'touched', object: 'layer-water/x', who: 'Ange', lon: 5.5583, lat: 45.0849 });
  }

  async goOffline() {
    this.online = false;
    this.tellSync(this.current());
  }

  async saveNow() {
    const map = this.current();
    if (!this.online) fail('offline', 'save: working offline', String(this.waiting(map)));
  }

  async signIn() {
    this.emit({ kind: 'notice', level: 'info', code: 'signed_in', text: '' });
  }

  async pending() {
    return structuredClone(this.current().pending);
  }

  async discard(rows: number[]) {
    const map = this.current();
    map.pending = map.pending.filter((entry) => !entry.rows.some((row) => rows.includes(row)));
    this.changed(map, null, false);
  }

  async conflicts() {
    return structuredClone(this.current().conflicts);
  }

  async resolve(id: number, choice: Side) {
    const map = this.current();
    const conflict = map.conflicts.find((card) => card.id === id) ?? fail('not_found', 'find the conflict');
    map.conflicts = map.conflicts.filter((card) => card.id !== id);
    const value = choice === 'mine' ? conflict.mine : conflict.theirs;
    const geometry = choice === 'mine' ? conflict.mineGeometry : conflict.theirsGeometry;
    const feature = map.features.get(conflict.object);
    if (feature !== undefined && geometry !== null) feature.geometry = JSON.parse(geometry) as Geometry;
    else if (feature !== undefined && conflict.key !== null) feature.properties[conflict.key.replace('properties.', '')] = value;
    this.changed(map, [conflict.object], choice === 'mine');
  }

  async proposals() {
    return structuredClone(this.current().proposals);
  }

  async approve(row: number) {
    await this.reject(row);
  }

  async reject(row: number) {
    const map = this.current();
    map.proposals = map.proposals.filter((card) => card.row !== row);
    this.changed(map, null, false);
  }

  async syncLog(before: number | null) {
    return structuredClone(this.current().log.filter((line) => before === null || line.id < before));
  }

  async about() {
    return { version: '0.1.0', umap: '3.7.3', sqlite: '3.54.1', webview: 'browser', renderer: 'default', dataFolder: '~/.local/share/bivouac' };
  }

  async openExternal() {}
  async exportMap() {
    return this.current().features.size;
  }

  async importFile(layer: string | null) {
    return this.importOffered('', layer);
  }

  async importOffered(_id: string, layer: string | null) {
    const map = this.current();
    const into = layer ?? [...map.layers.values()].find((candidate) => candidate.mayEdit && !candidate.group)?.id ?? '';
    await this.edit('import', [1, 2, 3].map((n): Edit => ({ do: 'add', layer: into, feature: { type: 'Feature', geometry: { type: 'Point', coordinates: [5.55 + n * 0.004, 45.1] }, properties: { name: `Waypoint ${n}` } } })));
    return { layers: [into], newLayers: 0, features: 3, changed: { 'a name with dots': 1 }, dropped: { 'a track without points': 2 } };
  }

  async signInPage(server: string) {
    this.emit({ kind: 'signed-in', server: new URL(server).origin, user: 'alice' });
  }

  async signInClose() {}

  async here() {}

  async createFrom(id: string) {
    return this.createMap(id, 'Layer 1', null);
  }

  async showLogs() {}
  async setLocale() {}
  async quit() {}
  async answer() {}

  private current(): StoredMap {
    return this.open ?? fail('not_found', 'find the open map');
  }

  private waiting(map: StoredMap): number {
    return map.pending.reduce((sum, entry) => sum + entry.rows.length, 0);
  }

  private card(map: StoredMap): MapCard {
    return {
      id: map.id, name: map.name, server: map.server, onServer: map.server !== null, account: map.account, features: map.features.size,
      layers: [...map.layers.values()].filter((layer) => !layer.group).length, syncedAt: map.syncedAt, waiting: this.waiting(map),
      conflicts: map.conflicts.length, trouble: map.trouble, openedAt: null, readOnly: map.readOnly,
    };
  }

  private view(map: StoredMap): MapView {
    return structuredClone({
      id: map.id, name: map.name, server: map.server, address: map.address, account: map.account, readOnly: map.readOnly, readOnlyWhy: map.readOnly ? 'opened' : null, revision: map.revision,
      rights: { mayEdit: !map.readOnly, mayEditMap: !map.readOnly }, settings: map.settings, layers: this.layerCards(map),
      bounds: boundsOf([...map.features.values()].map((feature) => feature.geometry)), center: null, zoom: null,
      undo: map.undo.at(-1)?.label ?? null, redo: map.redo.at(-1)?.label ?? null,
    });
  }

  private layerCards(map: StoredMap): LayerCard[] {
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

  private sync(map: StoredMap): SyncView {
    const count = (state: PendingEntry['state']): number => map.pending.filter((entry) => entry.state === state).reduce((sum, entry) => sum + entry.rows.length, 0);
    const counts = { local: count('local'), sent: count('sent'), echoed: count('echoed'), saved: count('saved'), verified: 214, lost: 0, foreignUnsaved: 0, conflicts: map.conflicts.length, proposals: map.proposals.length };
    return {
      chip: this.chip(map), state: this.online ? ('live' as const) : ('offline' as const), realTime: true, online: this.online, counts,
      peers: this.online ? [
        { id: 'p1', name: 'Ange', mine: false, bivouac: true, here: true, lastSeen: this.now() - 4000, unsaved: 2 },
        { id: 'p2', name: '', mine: false, bivouac: false, here: true, lastSeen: this.now() - 61_000, unsaved: 0 },
        { id: 'p0', name: 'camille', mine: true, bivouac: true, here: true, lastSeen: null, unsaved: 0 },
      ] : [],
      clockSkewMs: null, syncedAt: map.syncedAt, account: map.account,
    };
  }

  private chip(map: StoredMap): Chip {
    const toSend = map.pending.filter((entry) => entry.state === 'local').reduce((sum, entry) => sum + entry.rows.length, 0);
    const waiting = this.waiting(map);
    const base = { toSend, toSave: waiting - toSend, done: waiting - toSend, total: waiting, decisions: map.conflicts.length + map.proposals.length, at: map.syncedAt, code: null };
    if (map.readOnly) return { ...base, kind: 'read-only' };
    if (map.server === null) return { ...base, kind: 'local-only' };
    if (!this.online) return { ...base, kind: 'offline' };
    if (waiting > 0) return { ...base, kind: 'syncing' };
    if (base.decisions > 0) return { ...base, kind: 'decisions' };
    return { ...base, kind: 'up-to-date' };
  }

  private tellSync(map: StoredMap): void {
    this.emit({ kind: 'sync', view: this.sync(map) });
  }

  private changed(map: StoredMap, objects: string[] | null, mine = true): void {
    map.revision += 1;
    this.emit({ kind: 'changed', revision: map.revision, objects, mine });
    this.tellSync(map);
  }

  private restore(map: StoredMap, state: Snapshot): void {
    const copy = structuredClone(state);
    map.layers = copy.layers;
    map.features = copy.features;
    map.settings = copy.settings;
    map.name = textOf(copy.settings['name']) || map.name;
  }

  private apply(map: StoredMap, edit: Edit): string {
    const find = (ref: string): Feature => {
      const feature = map.features.get(ref) ?? fail('not_found', 'find the feature');
      if (map.layers.get(feature.layer)?.mayEdit !== true) fail('not_allowed', 'edit the feature: its layer is protected');
      return feature;
    };
    const findLayer = (id: string): Layer => map.layers.get(id) ?? fail('not_found', 'find the layer');
    switch (edit.do) {
      case 'add': {
        if (!findLayer(edit.layer).mayEdit) fail('not_allowed', 'add the feature: its layer is protected');
        const { _umap_options: options, ...properties } = edit.feature.properties;
        const feature: Feature = { id: makeId(Math.random), layer: edit.layer, geometry: structuredClone(edit.feature.geometry) as Geometry, properties: structuredClone(properties), options: asObject(options) };
        map.features.set(refOf(feature), feature);
        this.record(map, feature, 'added', null, null, null);
        return refOf(feature);
      }
      case 'set':
      case 'unset': {
        const feature = find(edit.feature);
        const option = edit.key.startsWith('_umap_options.');
        const bag = option ? feature.options : feature.properties;
        const key = option ? edit.key.slice('_umap_options.'.length) : edit.key;
        const from = bag[key] ?? null;
        if (edit.do === 'set') bag[key] = edit.value;
        else delete bag[key];
        this.record(map, feature, 'changed', `properties.${edit.key}`, from, edit.do === 'set' ? edit.value : null);
        return edit.feature;
      }
      case 'geometry': {
        const feature = find(edit.feature);
        feature.geometry = structuredClone(edit.geometry) as Geometry;
        this.record(map, feature, 'changed', 'geometry', null, null);
        return edit.feature;
      }
      case 'delete': {
        const feature = find(edit.feature);
        map.features.delete(edit.feature);
        this.record(map, feature, 'deleted', null, null, null);
        return edit.feature;
      }
      case 'move': {
        const feature = find(edit.feature);
        if (!findLayer(edit.to).mayEdit) fail('not_allowed', 'move the feature: the layer is protected');
        map.features.delete(edit.feature);
        feature.layer = edit.to;
        map.features.set(refOf(feature), feature);
        this.record(map, feature, 'changed', 'layer', null, null);
        return refOf(feature);
      }
      case 'layer-add': {
        const id = crypto.randomUUID();
        map.layers.set(id, { id, name: edit.name, parent: edit.parent ?? null, rank: map.layers.size, group: edit.properties?.['group'] === true, kind: 'Default', mayEdit: true, settings: { displayOnLoad: true, name: edit.name, ...edit.properties }, fields: [] });
        this.recordLayer(map, id, edit.name, 'added');
        return id;
      }
      case 'layer-set':
      case 'layer-unset': {
        const layer = findLayer(edit.layer);
        const value: Json = edit.do === 'layer-set' ? edit.value : null;
        if (edit.key === 'rank') layer.rank = Number(value);
        else if (edit.key === 'parentId') layer.parent = typeof value === 'string' ? value : null;
        else if (edit.do === 'layer-unset') delete layer.settings[edit.key];
        else layer.settings[edit.key] = value;
        if (edit.key === 'name') layer.name = textOf(value);
        if (edit.key === 'type') layer.kind = textOf(value) as Layer['kind'];
        if (edit.key === 'fields' && Array.isArray(value)) layer.fields = value.map((entry): Field => ({ key: textOf(asObject(entry)['key']), type: textOf(asObject(entry)['type']) || 'String', values: [], fromMap: false }));
        this.recordLayer(map, layer.id, layer.name, 'changed');
        return edit.layer;
      }
      case 'layer-delete': {
        const layer = findLayer(edit.layer);
        map.layers.delete(edit.layer);
        for (const [ref, feature] of map.features) if (feature.layer === edit.layer) map.features.delete(ref);
        for (const child of map.layers.values()) if (child.parent === edit.layer) child.parent = null;
        this.recordLayer(map, layer.id, layer.name, 'deleted');
        return edit.layer;
      }
      case 'map-set':
      case 'map-unset': {
        if (edit.do === 'map-set') map.settings[edit.key] = edit.value;
        else delete map.settings[edit.key];
        if (edit.key === 'name' && edit.do === 'map-set') map.name = textOf(edit.value);
        this.recordLayer(map, 'map', map.name, 'changed');
        return 'map';
      }
    }
  }

  private record(map: StoredMap, feature: Feature, verb: PendingEntry['verb'], key: string | null, from: Json, to: Json): void {
    const ref = refOf(feature);
    const row = this.nextRow++;
    const entries = map.history.get(ref) ?? [];
    entries.unshift({ row, at: this.now(), who: map.account, mine: true, server: false, current: true, verb: VERBS[verb], key, from, to, state: 'local' });
    map.history.set(ref, entries);
    map.pending.unshift({
      rows: [row], object: ref, layerName: map.layers.get(feature.layer)?.name ?? '', name: textOf(feature.properties['name']), verb,
      keys: key === null ? [] : [key], at: this.now(), state: 'local', bounds: boundsOf([feature.geometry]),
    });
  }

  private recordLayer(map: StoredMap, object: string, name: string, verb: PendingEntry['verb']): void {
    map.pending.unshift({ rows: [this.nextRow++], object, layerName: name, name, verb, keys: [], at: this.now(), state: 'local', bounds: null });
  }
}

function asObject(value: Json): Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, Json>) : {};
}
