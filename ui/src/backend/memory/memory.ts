// The backend without a core: everything in memory, for the development server and the tests in a browser.

import type { Backend } from '../backend';
import type { DeskEvent, Edit, Geometry, Json, LonLatBox, PendingEntry, Side, TakeOffline, UndoSummary, WrittenEdit } from '../types';
import { apply, bagOf, fail } from './apply';
import { draw, inBox, ruleOf } from './draw';
import type { StoredMap } from './model';
import { refOf, snapshot } from './model';
import { MemoryPictures } from './pictures';
import { emptyMap, makeId, sampleMap } from './sample';
import { cardOf, detailOf, syncOf, viewOf, waiting } from './tell';
import { restore } from './undo';

export interface MemoryOptions {
  /** The clock, so that pictures are the same on every day. */
  now?: () => number;
  /** Start without any map. */
  empty?: boolean;
  /** How long the steps of long work take. */
  stepMs?: number;
}

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
  private readonly clerk = { now: (): number => this.now(), row: (): number => this.nextRow++ };
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
    return { maps: [...this.maps.values()].map((map) => cardOf(map)), folder: '~/.local/share/bivouac', open: this.open?.id ?? null };
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
    const unsent = waiting(map);
    if (unsent > 0 && !discard) fail('unsent', `remove the map: ${unsent} edits were never verified`, String(unsent));
    this.maps.delete(id);
    this.emit({ kind: 'library' });
  }

  async openMap(id: string) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    if (map.trouble !== null) fail(map.trouble.code, map.trouble.text, map.trouble.holder);
    map.readOnly = false;
    this.open = map;
    return viewOf(map);
  }

  async openReadOnly(id: string) {
    const map = this.maps.get(id) ?? fail('not_found', 'find the map');
    map.readOnly = true;
    this.open = map;
    return viewOf(map);
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
    return viewOf(this.current());
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
    return detailOf(map, ref, feature);
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
      for (const edit of edits) objects.push(apply(map, edit, this.clerk));
    } catch (error) {
      restore(map, before);
      throw error;
    }
    map.undo.push({ label, before, after: snapshot(map), revision: map.revision + 1 });
    map.redo = [];
    this.changed(map, objects);
    return { objects, notes: [], revision: map.revision };
  }

  async undo(): Promise<UndoSummary> {
    const map = this.current();
    const unit = map.undo.pop() ?? fail('bad_input', 'undo: there is nothing to undo');
    const leftOut = restore(map, unit.before, unit.revision);
    map.redo.push(unit);
    this.changed(map, null);
    return { label: unit.label, changed: 1, leftOut, revision: map.revision };
  }

  async redo(): Promise<UndoSummary> {
    const map = this.current();
    const unit = map.redo.pop() ?? fail('bad_input', 'redo: there is nothing to redo');
    restore(map, unit.after);
    map.undo.push(unit);
    this.changed(map, null);
    return { label: unit.label, changed: 1, leftOut: [], revision: map.revision };
  }

  async syncView() {
    return syncOf(this.current(), this.online, this.now());
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
    if (!this.online) fail('offline', 'save: working offline', String(waiting(map)));
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

  /** Somebody else writes a property, as it would come in from the room. */
  peerSet(object: string, key: string, value: Json, who: string): void {
    const map = this.current();
    const feature = map.features.get(object) ?? fail('not_found', 'find the feature');
    const place = bagOf(feature, key);
    place.bag[place.key] = value;
    map.foreign.push({ object, key, by: who, revision: map.revision + 1 });
    this.changed(map, [object], false);
  }

  private current(): StoredMap {
    return this.open ?? fail('not_found', 'find the open map');
  }

  private tellSync(map: StoredMap): void {
    this.emit({ kind: 'sync', view: syncOf(map, this.online, this.now()) });
  }

  private changed(map: StoredMap, objects: string[] | null, mine = true): void {
    map.revision += 1;
    this.emit({ kind: 'changed', revision: map.revision, objects, mine });
    this.tellSync(map);
  }
}
