// The open map: what it is, what is selected, which tool is in hand, which panel is open.

import { asProblem } from '../backend/backend';
import type { DeskEvent, Edit, FeatureDetail, LayerCard, LayerLegend, MapView, Spot, SyncView, UndoSummary } from '../backend/types';
import { keyText } from '../i18n/format';
import { explain } from '../i18n/problems';
import { isRecovered, labelText } from '../i18n/words';
import { m } from '../paraglide/messages';
import type { Desk } from './desk.svelte';
import { Drafts } from './drafts.svelte';
import { Tools } from './tools.svelte';

export type PanelName = 'feature' | 'layer' | 'settings' | 'pending' | 'conflicts' | 'peers' | 'proposals' | 'log' | 'recovered' | 'caption';
export interface Glance { peer: string; who: string; at: Spot | null; selected: string[] }
export interface Touched { object: string; who: string; lon: number; lat: number }

export class OpenMap {
  view = $state<MapView>() as MapView;
  sync = $state<SyncView | null>(null);
  legends = $state<LayerLegend[]>([]);
  hidden = $state<string[]>([]);
  shown = $state<string[]>([]);
  selected = $state<string[]>([]);
  detail = $state<FeatureDetail | null>(null);
  panel = $state<PanelName | null>(null);
  layerPanel = $state<string | null>(null);
  /** Grows whenever something changed, for panels that have to ask again. */
  turn = $state(0);
  /** How many of the decisions are about what others deleted while it was edited here. */
  recovered = $state(0);
  touched = $state<Touched | null>(null);
  /** What another Bivouac told last. */
  glance = $state.raw<Glance | null>(null);
  /** A feature whose name field should have the focus when its panel opens. */
  fresh = $state<string | null>(null);
  /** Where the map was looked at last; not for drawing. */
  lastView: { center: number[]; zoom: number } | null = null;
  readonly drafts: Drafts;
  readonly tools: Tools;
  private refreshing = false;
  private again = false;

  constructor(readonly desk: Desk, view: MapView) {
    this.view = view;
    this.drafts = new Drafts(async (label, edits) => {
      this.worked(edits, (await this.desk.backend.edit(label, edits)).objects);
    }, (error) => explain(asProblem(error)).title);
    this.tools = new Tools(this);
    void this.refreshSync();
    void this.refreshLegends();
  }

  get mayEdit(): boolean {
    return !this.view.readOnly && this.view.rights.mayEdit;
  }

  get mayEditMap(): boolean {
    return !this.view.readOnly && this.view.rights.mayEditMap;
  }

  layer(id: string | null): LayerCard | undefined {
    return this.view.layers.find((layer) => layer.id === id);
  }

  /** Layers that take new features. */
  get targets(): LayerCard[] {
    return this.view.layers.filter((layer) => !layer.group && layer.mayEdit);
  }

  isShown(layer: LayerCard): boolean {
    return this.shown.includes(layer.id) || (layer.displayOnLoad && !this.hidden.includes(layer.id));
  }

  toggle(layer: LayerCard): void {
    const on = this.isShown(layer);
    this.hidden = on ? [...this.hidden, layer.id] : this.hidden.filter((id) => id !== layer.id);
    this.shown = on ? this.shown.filter((id) => id !== layer.id) : [...this.shown, layer.id];
  }

  /** Shows a layer and the groups that it lies in. */
  reveal(id: string): void {
    for (let layer = this.layer(id); layer !== undefined; layer = this.layer(layer.parent)) if (!this.isShown(layer)) this.toggle(layer);
  }

  async select(objects: string[], openPanel = true): Promise<void> {
    if (!(await this.drafts.flushAll())) {
      this.desk.notices.add('error', m.draft_failed_title(), m.draft_failed_stay());
      return;
    }
    this.selected = objects;
    if (objects.length === 0) {
      this.detail = null;
      if (this.panel === 'feature') this.panel = null;
      return;
    }
    if (openPanel) this.panel = 'feature';
    await this.refreshDetail();
  }

  showLayer(id: string): void {
    void this.drafts.flushAll();
    this.selected = [];
    this.detail = null;
    this.layerPanel = id;
    this.panel = 'layer';
  }

  show(panel: PanelName | null): void {
    void this.drafts.flushAll();
    this.panel = this.panel === panel ? null : panel;
    if (panel !== 'feature' && this.selected.length > 0) this.selected = [];
  }

  /** Commits edits as one undo unit; `null` when they were refused, which is shown. */
  async edit(label: string, edits: Edit[]): Promise<string[] | null> {
    if (edits.length === 0) return [];
    const written = await this.desk.run(() => this.desk.backend.edit(label, edits));
    if (written === undefined) return null;
    this.worked(edits, written.objects);
    for (const note of written.notes) this.desk.notices.add('info', m.edit_note(), note);
    await this.refresh();
    return written.objects;
  }

  /** Like `edit`, and offers to take it back at once. */
  async editWithUndo(label: string, edits: Edit[], told: string): Promise<boolean> {
    const objects = await this.edit(label, edits);
    if (objects === null) return false;
    this.desk.notices.add('info', told, '', { action: { label: m.undo(), run: () => void this.undo() } });
    return true;
  }

  async undo(): Promise<void> {
    await this.drafts.flushAll();
    if (this.view.undo !== null) this.tellUndo(await this.desk.run(() => this.desk.backend.undo()), 'undo');
  }

  async redo(): Promise<void> {
    if (this.view.redo !== null) this.tellUndo(await this.desk.run(() => this.desk.backend.redo()), 'redo');
  }

  async deleteSelected(): Promise<void> {
    const objects = this.selected;
    if (objects.length === 0) return;
    const name = this.detail !== null && objects.length === 1 ? nameOf(this.detail) : '';
    const told = objects.length === 1 && name !== '' ? m.deleted_one({ name }) : m.deleted_some({ n: objects.length });
    if (await this.editWithUndo(m.label_delete(), objects.map((feature): Edit => ({ do: 'delete', feature })), told)) await this.select([]);
  }

  hear(event: Extract<DeskEvent, { kind: 'changed' | 'sync' | 'touched' | 'presence' }>): void {
    if (event.kind === 'sync') {
      const before = JSON.stringify(this.sync?.counts);
      this.sync = event.view;
      if (JSON.stringify(event.view.counts) !== before) void this.refreshStep();
    } else if (event.kind === 'touched') {
      this.touched = { object: event.object, who: event.who, lon: event.lon, lat: event.lat };
    } else if (event.kind === 'presence') {
      this.glance = { peer: event.peer, who: event.who, at: event.at, selected: event.selected };
    } else {
      void this.refresh();
    }
  }

  async goOnline(): Promise<void> {
    await this.drafts.flushAll();
    await this.desk.run(() => this.desk.backend.goOnline());
    await this.refreshSync();
  }

  async goOffline(): Promise<void> {
    await this.desk.run(() => this.desk.backend.goOffline());
    await this.refreshSync();
  }

  async saveNow(): Promise<void> {
    await this.drafts.flushAll();
    if (this.sync?.online !== true) {
      const waiting = (this.sync?.chip.toSend ?? 0) + (this.sync?.chip.toSave ?? 0);
      this.desk.notices.add('info', this.view.server === null ? m.save_local() : m.save_offline(), m.save_offline_help({ n: waiting }));
      return;
    }
    await this.desk.run(() => this.desk.backend.saveNow());
  }

  /** Reads again what a change may have changed; one reading at a time. */
  async refresh(): Promise<void> {
    if (this.refreshing) {
      this.again = true;
      return;
    }
    this.refreshing = true;
    try {
      do {
        this.again = false;
        const view = await this.desk.run(() => this.desk.backend.mapView());
        if (view !== undefined) this.view = view;
        await this.refreshDetail();
        void this.refreshLegends();
        this.turn += 1;
      } while (this.again);
    } finally {
      this.refreshing = false;
    }
  }

  async refreshSync(): Promise<void> {
    await this.desk.run(async () => {
      this.sync = await this.desk.backend.syncView();
    });
  }

  /** The layer of what was edited is where one goes on. */
  private worked(edits: Edit[], objects: string[]): void {
    const [first] = edits;
    const [object = ''] = objects;
    if (first === undefined || !['add', 'set', 'unset', 'geometry', 'move'].includes(first.do) || !object.includes('/')) return;
    this.tools.workIn(object.slice(0, object.lastIndexOf('/')));
  }

  /** Counts apart what the chip counts together. */
  async refreshRecovered(): Promise<void> {
    const cards = (this.sync?.counts.conflicts ?? 0) === 0 ? [] : await this.desk.backend.conflicts().catch(() => []);
    this.recovered = cards.filter(isRecovered).length;
  }

  private async refreshLegends(): Promise<void> {
    this.legends = await this.desk.backend.legend().catch(() => []);
  }

  /** How far the shown feature's edits have come; its shape stays in the hand that holds it. */
  private async refreshStep(): Promise<void> {
    const object = this.detail?.object;
    if (object === undefined) return;
    try {
      const { saveState } = await this.desk.backend.feature(object);
      if (this.detail?.object === object) this.detail.saveState = saveState;
    } catch {
      // It is gone; the change that took it tells so.
    }
  }

  private async refreshDetail(): Promise<void> {
    const [only] = this.selected;
    if (only === undefined || this.selected.length !== 1) {
      this.detail = null;
      return;
    }
    try {
      const detail = await this.desk.backend.feature(only);
      if (this.selected.length === 1 && this.selected[0] === only) this.detail = detail.alive ? detail : null;
      if (!detail.alive) this.selected = [];
    } catch (error) {
      if (asProblem(error).code !== 'not_found') this.desk.tell(error);
      this.selected = this.selected.filter((object) => object !== only);
      this.detail = null;
      if (this.panel === 'feature') this.panel = null;
    }
  }

  private tellUndo(summary: UndoSummary | undefined, what: 'undo' | 'redo'): void {
    if (summary === undefined) return;
    const left = summary.leftOut;
    const title = what === 'undo' ? m.undone({ label: labelText(summary.label) }) : m.redone({ label: labelText(summary.label) });
    if (left.length === 0) this.desk.notices.add('info', title);
    else this.desk.notices.add('warning', title, m.undo_left({ n: left.length, who: [...new Set(left.map((entry) => entry.by ?? m.somebody()))].join(', '), what: [...new Set(left.map((entry) => keyText(entry.key)))].join(', ') }));
    void this.refresh();
  }
}

export function nameOf(detail: FeatureDetail): string {
  const name = detail.properties['name'];
  return typeof name === 'string' || typeof name === 'number' ? String(name) : '';
}
