// Drawing and changing shapes on the stage. What leaves this file are stored geometries: `restoreGeometry` gives
// every vertex that was not moved its stored numbers back.

import Collection from 'ol/Collection';
import { altKeyOnly, click, shiftKeyOnly } from 'ol/events/condition';
import Feature from 'ol/Feature';
import type { FeatureLike } from 'ol/Feature';
import LineString from 'ol/geom/LineString';
import Point from 'ol/geom/Point';
import Polygon from 'ol/geom/Polygon';
import DragBox from 'ol/interaction/DragBox';
import Draw from 'ol/interaction/Draw';
import type Interaction from 'ol/interaction/Interaction';
import Modify from 'ol/interaction/Modify';
import Translate from 'ol/interaction/Translate';
import VectorLayer from 'ol/layer/Vector';
import { transformExtent } from 'ol/proj';
import VectorSource from 'ol/source/Vector';
import type { Style } from 'ol/style';

import type { ExactFeatures, Geometry, LonLatBox, Position } from '../backend/types';
import { project, restoreGeometry, unproject } from './coordinates';
import { editStyle } from './edit-style';
import { fromDrawn, toDrawn } from './geometry';
import type { MapColors } from './palette';
import { SNAP_PX, Snapping } from './snapping';
import type { Stage } from './stage';
import { verticesOf, withVertexAt, withoutVertex } from './vertices';
import type { Vertex } from './vertices';

export type DrawKind = 'point' | 'line' | 'polygon' | 'hole' | 'split' | 'continue' | 'part';
export type EditMode = 'vertices' | 'move';

const SNAP_LIMIT = 2000;

export interface EditingHooks {
  near: (box: LonLatBox, limit: number) => Promise<ExactFeatures>;
  drawn: (kind: DrawKind, geometry: Geometry) => void;
  changed: (object: string, geometry: Geometry) => void;
  boxed: (objects: string[], additive: boolean) => void;
  /** While drawing or dragging, for the live length and area. */
  sketch: (geometry: Geometry | null) => void;
  failed: (error: unknown) => void;
}

interface Live { object: string; stored: Geometry; feature: Feature; vertex: number | null; held: boolean }

export class Editing {
  private readonly source = new VectorSource();
  private readonly layer: VectorLayer;
  private readonly snapping: Snapping;
  private active: Interaction[] = [];
  private draw: Draw | null = null;
  private drawKind: DrawKind | null = null;
  /** A vertex is being dragged. */
  private dragging = false;
  /** Vertices of the sketch that are put down. */
  private placed = 0;
  private live: Live | null = null;
  private mode: EditMode = 'vertices';
  /** A line is continued at its beginning by drawing it the other way round. */
  private reversed = false;
  private colors: MapColors | null = null;

  constructor(private readonly stage: Stage, private readonly hooks: EditingHooks) {
    this.layer = new VectorLayer({ source: this.source, zIndex: 50, updateWhileAnimating: true, updateWhileInteracting: true });
    this.layer.setStyle((feature) => this.style(feature));
    stage.map.addLayer(this.layer);
    this.snapping = new Snapping(stage, () => this.draw !== null || this.dragging);
    stage.map.on('moveend', () => {
      if (this.active.length > 0) void this.loadSnap();
    });
  }

  setColors(colors: MapColors): void {
    this.colors = colors;
    this.layer.changed();
  }

  get drawing(): DrawKind | null {
    return this.drawKind;
  }

  /** Makes one feature live; its shape can be changed until `release`. */
  take(object: string, stored: Geometry, mode: EditMode): void {
    if (this.live?.object === object && JSON.stringify(this.live.stored) === JSON.stringify(stored) && this.mode === mode && this.draw === null) return;
    this.stop();
    const vertex = this.live?.object === object ? this.live.vertex : null;
    this.source.clear(true);
    const feature = new Feature(toDrawn(stored));
    this.live = { object, stored, feature, vertex, held: false };
    this.mode = mode;
    this.source.addFeature(feature);
    this.stage.setLive([object]);
    if (mode === 'move') this.startMoving(feature);
    else this.startModifying(feature);
    void this.loadSnap();
  }

  release(): void {
    this.stop();
    this.live = null;
    this.source.clear(true);
    this.stage.setLive([]);
  }

  /** Which end of the live line lies at a place on the screen. */
  endAt(pixel: number[]): 'start' | 'end' | null {
    const geometry = this.live?.feature.getGeometry();
    if (!(geometry instanceof LineString)) return null;
    const near = (place: Position): boolean => {
      const [x = 0, y = 0] = this.stage.map.getPixelFromCoordinate(place) ?? [];
      return Math.hypot(x - (pixel[0] ?? 0), y - (pixel[1] ?? 0)) <= SNAP_PX;
    };
    if (near(geometry.getLastCoordinate())) return 'end';
    return near(geometry.getFirstCoordinate()) ? 'start' : null;
  }

  start(kind: DrawKind, fromStart = false): void {
    this.stop();
    this.drawKind = kind;
    this.reversed = fromStart;
    this.stage.picking = false;
    this.stage.setDoubleClickZoom(false);
    this.stage.cursor('crosshair');
    const type = this.drawnType(kind);
    const draw = new Draw({ type, snapTolerance: 10, stopClick: true, style: (feature) => this.style(feature) });
    this.draw = draw;
    draw.on('drawstart', (event) => {
      const geometry = event.feature.getGeometry();
      const count = (): void => { this.placed = geometry instanceof LineString ? geometry.getCoordinates().length - 1 : geometry instanceof Polygon ? (geometry.getCoordinates()[0]?.length ?? 0) - 2 : 1; };
      this.placed = 1;
      geometry?.on('change', () => {
        count();
        this.sketch(geometry as LineString);
      });
    });
    draw.on('drawabort', () => { this.placed = 0; });
    draw.on('drawend', (event) => {
      const geometry = event.feature.getGeometry();
      // The interaction is still in its own event; it is taken away right after.
      queueMicrotask(() => {
        if (geometry !== undefined) this.finish(kind, fromDrawn(geometry));
      });
    });
    this.add(draw);
    this.addSnap();
    if (kind === 'continue' && this.live !== null) {
      const geometry = this.live.feature.getGeometry();
      this.source.clear(true);
      if (geometry instanceof LineString) {
        const line = geometry.getCoordinates();
        draw.extend(new Feature(new LineString(fromStart ? line.toReversed() : line)));
        this.placed = line.length;
      }
    }
    void this.loadSnap();
  }

  /** A part is of the kind of the shape that it is added to. */
  private drawnType(kind: DrawKind): 'Point' | 'LineString' | 'Polygon' {
    if (kind === 'part') {
      const type = this.live?.stored.type ?? 'LineString';
      return type.endsWith('Point') ? 'Point' : type.endsWith('Polygon') ? 'Polygon' : 'LineString';
    }
    if (kind === 'point') return 'Point';
    return kind === 'polygon' || kind === 'hole' ? 'Polygon' : 'LineString';
  }

  /** The vertex of the live shape at a place on the screen. */
  vertexAt(pixel: number[]): Vertex | null {
    if (this.live === null) return null;
    const near = (vertex: Vertex): boolean => {
      const [x = 0, y = 0] = this.stage.map.getPixelFromCoordinate(vertex.drawn) ?? [];
      return Math.hypot(x - (pixel[0] ?? 0), y - (pixel[1] ?? 0)) <= SNAP_PX;
    };
    return verticesOf(this.live.stored).find(near) ?? null;
  }

  /** The vertex that the keyboard chose. */
  get chosen(): Vertex | null {
    return this.live === null || this.live.vertex === null ? null : (verticesOf(this.live.stored)[this.live.vertex] ?? null);
  }

  startBox(): void {
    this.stop();
    this.stage.picking = false;
    const box = new DragBox({ condition: (event) => event.originalEvent instanceof MouseEvent && event.originalEvent.button === 0, className: 'select-box' });
    box.on('boxend', (event) => {
      const additive = event.mapBrowserEvent !== null && shiftKeyOnly(event.mapBrowserEvent);
      void this.selectIn(box.getGeometry().getExtent(), additive);
    });
    this.stage.cursor('crosshair');
    this.add(box);
  }

  private async selectIn(extent: number[], additive: boolean): Promise<void> {
    const [west = 0, south = 0, east = 0, north = 0] = transformExtent(extent, 'EPSG:3857', 'EPSG:4326');
    try {
      const found = await this.hooks.near({ west, south, east, north }, SNAP_LIMIT);
      this.hooks.boxed(found.features.map((feature) => feature.object), additive);
    } catch (error) {
      this.hooks.failed(error);
    }
  }

  /** A vertex at a place: the keyboard's click. */
  addVertex(at: Position): void {
    if (this.draw === null) return;
    if (this.drawnType(this.drawKind ?? 'line') === 'Point') {
      this.finish(this.drawKind ?? 'point', { type: 'Point', coordinates: this.snapping.nearest(project(at)) ?? project(at) });
      return;
    }
    const near = this.snapping.nearest(project(at));
    this.draw.appendCoordinates([near ?? project(at)]);
    if (near === null) this.snapping.clear();
    else this.snapping.show(near, !this.snapping.targets.has(`${near[0]},${near[1]}`));
  }

  /** How many vertices of the sketch are put down. */
  get sketched(): number {
    return this.draw === null ? 0 : this.placed;
  }

  removeLast(): void {
    this.draw?.removeLastPoint();
  }

  /** False where there are too few vertices for a shape; drawing goes on then. */
  finishDrawing(): boolean {
    if (this.draw === null || this.drawKind === null) return false;
    const least = { Point: 1, LineString: 2, Polygon: 3 }[this.drawnType(this.drawKind)];
    if (this.placed < least) return false;
    this.draw.finishDrawing();
    return true;
  }

  /** Stops whatever is going on, without a result. */
  stop(): void {
    this.draw?.abortDrawing();
    for (const interaction of this.active) this.stage.map.removeInteraction(interaction);
    this.active = [];
    this.draw = null;
    this.drawKind = null;
    this.placed = 0;
    this.dragging = false;
    this.snapping.clear();
    this.stage.picking = true;
    this.stage.setDoubleClickZoom(true);
    this.stage.cursor('');
    this.hooks.sketch(null);
  }

  /** Steps through the vertices of the live shape; the map goes there. */
  stepVertex(by: number): { at: number; of: number } | null {
    if (this.live === null || this.live.held) return null;
    const all = verticesOf(this.live.stored);
    if (all.length === 0) return null;
    const next = this.live.vertex === null ? (by > 0 ? 0 : all.length - 1) : (this.live.vertex + by + all.length) % all.length;
    this.live.vertex = next;
    this.layer.changed();
    const vertex = all[next];
    if (vertex !== undefined) this.stage.map.getView().setCenter(vertex.drawn);
    return { at: next + 1, of: all.length };
  }

  /** Takes the chosen vertex with the crosshair, or puts it down where the crosshair is. */
  holdVertex(): 'held' | 'dropped' | null {
    const live = this.live;
    if (live === null || live.vertex === null) return null;
    if (!live.held) {
      live.held = true;
      return 'held';
    }
    live.held = false;
    const vertex = verticesOf(live.stored)[live.vertex];
    if (vertex === undefined) return null;
    const drawn = this.snapping.nearest(project(this.stage.middle)) ?? project(this.stage.middle);
    this.hooks.changed(live.object, withVertexAt(live.stored, vertex, this.snapping.targets.get(`${drawn[0]},${drawn[1]}`) ?? unproject(drawn)));
    return 'dropped';
  }

  deleteVertex(): boolean {
    const live = this.live;
    if (live === null || live.vertex === null) return false;
    const vertex = verticesOf(live.stored)[live.vertex];
    const changed = vertex === undefined ? null : withoutVertex(live.stored, vertex);
    if (changed === null) return false;
    live.vertex = null;
    this.hooks.changed(live.object, changed);
    return true;
  }

  get vertexHeld(): boolean {
    return this.live?.held === true;
  }

  private startModifying(feature: Feature): void {
    const point = feature.getGeometry() instanceof Point;
    const modify = new Modify({
      features: new Collection([feature]), pixelTolerance: 12, deleteCondition: (event) => altKeyOnly(event) && click(event),
      style: point ? undefined : (handle) => this.style(handle), ...(point ? { hitDetection: this.layer } : {}),
    });
    modify.on('modifystart', () => {
      this.dragging = true;
      feature.getGeometry()?.on('change', (event) => this.sketch(event.target as LineString));
    });
    modify.on('modifyend', () => this.commit(feature));
    this.add(modify);
    this.addSnap();
  }

  private startMoving(feature: Feature): void {
    const translate = new Translate({ features: new Collection([feature]), hitTolerance: 10 });
    translate.on('translateend', () => this.commit(feature));
    this.add(translate);
    this.stage.picking = false;
  }

  private commit(feature: Feature): void {
    const live = this.live;
    const geometry = feature.getGeometry();
    this.dragging = false;
    this.snapping.clear();
    if (live === null || geometry === undefined) return;
    const changed = restoreGeometry(live.stored, fromDrawn(geometry), this.snapping.targets);
    this.hooks.sketch(null);
    if (JSON.stringify(changed) === JSON.stringify(live.stored)) return;
    live.stored = changed;
    this.hooks.changed(live.object, changed);
  }

  private finish(kind: DrawKind, drawn: Geometry): void {
    const stored = kind === 'continue' ? (this.live?.stored ?? null) : null;
    const turned = this.reversed && drawn.type === 'LineString' ? { ...drawn, coordinates: drawn.coordinates.toReversed() } : drawn;
    const geometry = restoreGeometry(stored, turned, this.snapping.targets);
    this.stop();
    this.hooks.drawn(kind, geometry);
  }

  private sketch(geometry: LineString): void {
    this.hooks.sketch(restoreGeometry(null, fromDrawn(geometry)));
  }

  private add(interaction: Interaction): void {
    this.active.push(interaction);
    this.stage.map.addInteraction(interaction);
  }

  private addSnap(): void {
    this.add(this.snapping.interaction());
  }

  /** Snapping knows the stored shapes, never the thinned ones of the picture. */
  private async loadSnap(): Promise<void> {
    try {
      const { features } = await this.hooks.near(this.stage.box(), SNAP_LIMIT);
      const others = features.filter((entry) => entry.object !== this.live?.object).map((entry) => entry.feature.geometry as Geometry);
      this.snapping.set(others);
    } catch (error) {
      this.hooks.failed(error);
    }
  }

  private style(feature: FeatureLike): Style[] {
    const live = this.live;
    const chosen = live === null || live.vertex === null ? null : (verticesOf(live.stored)[live.vertex]?.drawn ?? null);
    const look = live === null ? null : { feature: live.feature, pin: live.feature === feature ? this.stage.stylesOf(live.object) : [], chosen };
    return editStyle(feature, this.colors?.focus ?? '#0b57d0', look);
  }
}
