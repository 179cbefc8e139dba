// The tool in hand and what the map component does with it.

import type { Edit, FeatureDetail, Geometry, LonLatBox, Position } from '../backend/types';
import type { Measure } from '../map/measure';
import { addHole, merge, partAt, parts, removeHoleAt, split, splitAt, withPart, withoutPart } from '../map/shapes';
import { withoutVertex } from '../map/vertices';
import type { Vertex } from '../map/vertices';
import { parseGeometry } from '../map/geometry';
import type { DrawKind } from '../map/editing';
import { m } from '../paraglide/messages';
import type { OpenMap } from './open-map.svelte';

export type Tool = 'select' | 'box' | 'move' | DrawKind;

/** What the map component can be told to do. */
export interface Hand {
  finish: () => void;
  removeLast: () => void;
  fit: (box: LonLatBox) => void;
  center: (at: Position) => void;
  compare: (sides: { side: 'mine' | 'theirs'; geometry: Geometry }[]) => void;
  middle: () => Position;
  focus: () => void;
}

export class Tools {
  tool = $state<Tool>('select');
  private wanted = $state<string | null>(null);
  measure = $state<Measure | null>(null);
  /** Whether a line is continued at its beginning. */
  fromStart = false;
  hand: Hand | null = null;

  constructor(private readonly map: OpenMap) {
    this.wanted = map.desk.prefs.lastLayer(map.view.id);
  }

  /** The layer that new features go to: the one worked in last, else the first in sight. */
  get layer() {
    const targets = this.map.targets;
    return targets.find((layer) => layer.id === this.wanted)
      ?? targets.find((layer) => layer.kind === 'Default' && this.map.isShown(layer))
      ?? targets.find((layer) => layer.kind === 'Default') ?? targets[0];
  }

  /** Remembers where somebody works; what is drawn next goes there. */
  workIn(layer: string | null): void {
    if (layer === null || !this.map.targets.some((target) => target.id === layer)) return;
    this.wanted = layer;
    this.map.desk.prefs.setLastLayer(this.map.view.id, layer);
  }

  get drawing(): boolean {
    return !['select', 'box', 'move'].includes(this.tool);
  }

  async take(tool: Tool): Promise<void> {
    if (['point', 'line', 'polygon'].includes(tool)) {
      if (!this.map.mayEdit) return this.map.desk.notices.add('warning', m.read_only_title(), m.read_only_help());
      if (this.layer === undefined) {
        const made = this.map.mayEditMap ? await this.map.edit(m.label_layer_add(), [{ do: 'layer-add', name: m.layer_first_name() }]) : null;
        if (made === null) return this.map.desk.notices.add('warning', m.no_layer_title(), m.no_layer_help());
        this.workIn(made[0] ?? null);
      }
      await this.map.select([]);
    }
    this.tool = tool;
    this.hand?.focus();
  }

  /** Esc: the tool first, then the selection, then the panel. */
  async escape(): Promise<void> {
    if (this.tool !== 'select') this.tool = 'select';
    else if (this.map.selected.length > 0) await this.map.select([]);
    else if (this.map.panel !== null) this.map.show(null);
  }

  async drawn(kind: DrawKind, geometry: Geometry): Promise<void> {
    this.tool = 'select';
    if (kind === 'hole') return this.hole(geometry);
    if (kind === 'split') return this.cut(geometry);
    if (kind === 'part') return this.addPart(geometry);
    if (kind === 'continue') {
      const [object] = this.map.selected;
      if (object !== undefined) await this.reshape(object, geometry, m.label_continue());
      return;
    }
    const layer = this.layer;
    if (layer === undefined) return;
    const labels = { point: m.label_add_point(), line: m.label_add_line(), polygon: m.label_add_polygon() };
    const made = await this.map.edit(labels[kind], [{ do: 'add', layer: layer.id, feature: { type: 'Feature', geometry: plain(geometry), properties: {} } }]);
    const [object] = made ?? [];
    if (object === undefined) return;
    this.map.fresh = object;
    // What was just drawn is never out of sight.
    this.map.reveal(layer.id);
    await this.map.select([object]);
  }

  async reshape(object: string, geometry: Geometry, label = m.label_shape()): Promise<void> {
    const done = await this.map.edit(label, [{ do: 'geometry', feature: object, geometry: plain(geometry) }]);
    // A refused change shows the stored shape again.
    if (done === null) await this.map.refresh();
  }

  async removeHole(at: Position): Promise<void> {
    const current = this.current();
    const without = current === null ? null : removeHoleAt(current.geometry, at);
    if (current !== null && without !== null) await this.reshape(current.object, without, m.label_hole_remove());
    else this.map.desk.notices.add('info', m.hole_none());
  }

  async clone(): Promise<void> {
    const detail = this.map.detail;
    const current = this.current();
    if (detail === null || current === null) return;
    const made = await this.map.edit(m.label_clone(), [{ do: 'add', layer: detail.layer, feature: { type: 'Feature', geometry: plain(current.geometry), properties: propertiesOf(detail) } }]);
    const [object] = made ?? [];
    if (object !== undefined) {
      await this.map.select([object]);
      this.map.desk.notices.add('info', m.cloned(), m.cloned_help());
    }
  }

  /** Each part of a multi geometry becomes a feature of its own. */
  async extract(): Promise<void> {
    const current = this.current();
    const [first, ...others] = current === null ? [] : parts(current.geometry);
    if (first !== undefined && others.length > 0) await this.cutOff(m.label_extract(), first, others, m.split_done({ n: others.length + 1 }));
  }

  /** The part at a place becomes a feature of its own. */
  async extractPart(at: Position): Promise<void> {
    const current = this.current();
    const index = current === null ? null : partAt(current.geometry, at);
    const part = current === null || index === null ? undefined : parts(current.geometry)[index];
    if (current === null || index === null || part === undefined) return;
    await this.cutOff(m.label_extract(), withoutPart(current.geometry, index), [part], m.part_extracted());
  }

  async deletePart(at: Position): Promise<void> {
    const current = this.current();
    const index = current === null ? null : partAt(current.geometry, at);
    if (current === null || index === null) return;
    await this.map.editWithUndo(m.label_part_delete(), [{ do: 'geometry', feature: current.object, geometry: plain(withoutPart(current.geometry, index)) }], m.part_deleted());
  }

  async deleteVertex(vertex: Vertex): Promise<void> {
    const current = this.current();
    const without = current === null ? null : withoutVertex(current.geometry, vertex);
    if (current !== null && without !== null) await this.reshape(current.object, without);
    else this.map.desk.notices.add('info', m.vertex_least());
  }

  /** A line becomes two where one of its vertices is. */
  async splitAtVertex(vertex: Vertex): Promise<void> {
    const current = this.current();
    if (current?.geometry.type !== 'LineString') return;
    const [first, second] = splitAt(current.geometry.coordinates, vertex.index) ?? [];
    if (first === undefined || second === undefined) return this.map.desk.notices.add('info', m.split_end());
    await this.cutOff(m.label_split(), first, [second], m.split_done({ n: 2 }));
  }

  async mergeSelected(): Promise<void> {
    const details = await this.map.desk.run(() => Promise.all(this.map.selected.map((object) => this.map.desk.backend.feature(object))));
    if (details === undefined) return;
    const geometries = details.map((detail) => parseGeometry(detail.geometry)).filter((geometry): geometry is Geometry => geometry !== null);
    const merged = merge(geometries);
    const [keep, ...rest] = this.map.selected;
    if (merged === null || keep === undefined) return this.map.desk.notices.add('info', m.merge_no(), m.merge_no_help());
    const done = await this.map.editWithUndo(m.label_merge(), [
      { do: 'geometry', feature: keep, geometry: plain(merged) },
      ...rest.map((feature): Edit => ({ do: 'delete', feature })),
    ], m.merged({ n: this.map.selected.length }));
    if (done) await this.map.select([keep]);
  }

  get hasHole(): boolean {
    const geometry = this.current()?.geometry;
    if (geometry?.type === 'Polygon') return geometry.coordinates.length > 1;
    return geometry?.type === 'MultiPolygon' && geometry.coordinates.some((rings) => rings.length > 1);
  }

  /** The one selected feature and its geometry. */
  current(): { object: string; geometry: Geometry } | null {
    const detail = this.map.detail;
    const geometry = detail === null ? null : parseGeometry(detail.geometry);
    return detail === null || geometry === null ? null : { object: detail.object, geometry };
  }

  /** What stays of the selected feature; what is cut off becomes features with the same properties. */
  private async cutOff(label: string, rest: Geometry, others: Geometry[], told: string): Promise<void> {
    const detail = this.map.detail;
    if (detail === null) return;
    await this.map.editWithUndo(label, [
      { do: 'geometry', feature: detail.object, geometry: plain(rest) },
      ...others.map((geometry): Edit => ({ do: 'add', layer: detail.layer, feature: { type: 'Feature', geometry: plain(geometry), properties: propertiesOf(detail) } })),
    ], told);
  }

  private async addPart(part: Geometry): Promise<void> {
    const current = this.current();
    const whole = current === null ? null : withPart(current.geometry, part);
    if (current !== null && whole !== null) await this.reshape(current.object, whole, m.label_part());
  }

  private async hole(drawn: Geometry): Promise<void> {
    const current = this.current();
    if (current === null || drawn.type !== 'Polygon') return;
    const holed = addHole(current.geometry, drawn.coordinates[0] ?? []);
    if (holed === null) this.map.desk.notices.add('warning', m.hole_outside(), m.hole_outside_help());
    else await this.reshape(current.object, holed, m.label_hole());
  }

  private async cut(drawn: Geometry): Promise<void> {
    const current = this.current();
    if (current === null || drawn.type !== 'LineString') return;
    const pieces = split(current.geometry, drawn.coordinates);
    const [first, ...others] = pieces ?? [];
    if (first === undefined) return this.map.desk.notices.add('warning', m.split_no(), m.split_no_help());
    await this.cutOff(m.label_split(), first, others, m.split_done({ n: others.length + 1 }));
  }
}

function plain(geometry: Geometry): { type: string; coordinates: unknown } {
  return $state.snapshot(geometry) as { type: string; coordinates: unknown };
}

/** As a feature of the map carries them: its style beside its properties. */
function propertiesOf(detail: FeatureDetail): Record<string, unknown> {
  const { properties, options } = $state.snapshot(detail);
  return { ...properties, ...(Object.keys(options).length > 0 ? { _umap_options: options } : {}) };
}
