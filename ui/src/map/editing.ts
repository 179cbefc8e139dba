// Drawing and changing shapes on the stage. What leaves this file are stored geometries: `restoreGeometry` gives
// every vertex that was not moved its stored numbers back.

import Collection from 'ol/Collection';
import { altKeyOnly, click, shiftKeyOnly } from 'ol/events/condition';
import Feature from 'ol/Feature';
import type { FeatureLike } from 'ol/Feature';
import LineString from 'ol/geom/LineString';
import MultiPoint from 'ol/geom/MultiPoint';
import Point from 'ol/geom/Point';
import DragBox from 'ol/interaction/DragBox';
import Draw from 'ol/interaction/Draw';
import type Interaction from 'ol/interaction/Interaction';
import Modify from 'ol/interaction/Modify';
import Snap from 'ol/interaction/Snap';
import Translate from 'ol/interaction/Translate';
import VectorLayer from 'ol/layer/Vector';
import { transformExtent } from 'ol/proj';
import VectorSource from 'ol/source/Vector';
import { Circle, Fill, RegularShape, Stroke, Style } from 'ol/style';

import type { ExactFeatures, Geometry, LonLatBox, Position } from '../backend/types';
import { linesOf, project, restoreGeometry, targetsOf, unproject } from './coordinates';
import { fromDrawn, toDrawn } from './geometry';
import type { MapColors } from './palette';
import type { Stage } from './stage';

export type DrawKind = 'point' | 'line' | 'polygon' | 'hole' | 'split' | 'continue';
export type EditMode = 'vertices' | 'move';

const SNAP_PX = 12;
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
  private readonly snapSource = new VectorSource();
  private snapTargets = new Map<string, Position>();
  private active: Interaction[] = [];
  private draw: Draw | null = null;
  private drawKind: DrawKind | null = null;
  private live: Live | null = null;
  private mode: EditMode = 'vertices';
  /** A line is continued at its beginning by drawing it the other way round. */
  private reversed = false;
  private colors: MapColors | null = null;

  constructor(private readonly stage: Stage, private readonly hooks: EditingHooks) {
    this.layer = new VectorLayer({ source: this.source, zIndex: 50, updateWhileAnimating: true, updateWhileInteracting: true });
    this.layer.setStyle((feature) => this.style(feature));
    stage.map.addLayer(this.layer);
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
    const type = kind === 'point' ? 'Point' : kind === 'polygon' || kind === 'hole' ? 'Polygon' : 'LineString';
    const draw = new Draw({ type, snapTolerance: 10, stopClick: true, style: (feature) => this.style(feature) });
    this.draw = draw;
    draw.on('drawstart', (event) => event.feature.getGeometry()?.on('change', (change) => this.sketch(change.target as LineString)));
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
      }
    }
    void this.loadSnap();
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
    if (this.drawKind === 'point') {
      this.finish('point', { type: 'Point', coordinates: project(at) });
      return;
    }
    const near = this.nearest(project(at));
    this.draw.appendCoordinates([near ?? project(at)]);
  }

  removeLast(): void {
    this.draw?.removeLastPoint();
  }

  finishDrawing(): void {
    this.draw?.finishDrawing();
  }

  /** Stops whatever is going on, without a result. */
  stop(): void {
    this.draw?.abortDrawing();
    for (const interaction of this.active) this.stage.map.removeInteraction(interaction);
    this.active = [];
    this.draw = null;
    this.drawKind = null;
    this.stage.picking = true;
    this.stage.setDoubleClickZoom(true);
    this.stage.cursor('');
    this.hooks.sketch(null);
  }

  /** Steps through the vertices of the live shape; the map goes there. */
  stepVertex(by: number): { at: number; of: number } | null {
    if (this.live === null || this.live.held) return null;
    const all = this.vertices();
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
    const vertex = this.vertices()[live.vertex];
    if (vertex !== undefined) this.moveVertex(vertex.line, vertex.index, this.nearest(project(this.stage.middle)) ?? project(this.stage.middle));
    return 'dropped';
  }

  deleteVertex(): boolean {
    const live = this.live;
    if (live === null || live.vertex === null) return false;
    const vertex = this.vertices()[live.vertex];
    const least = live.stored.type.endsWith('Polygon') ? 4 : 2;
    const line = linesOf(live.stored)[vertex?.line ?? 0];
    if (vertex === undefined || line === undefined || line.length <= least) return false;
    const changed = structuredClone(live.stored);
    const target = linesOf(changed)[vertex.line];
    if (target === undefined) return false;
    const closed = live.stored.type.endsWith('Polygon');
    target.splice(vertex.index, 1);
    if (closed && vertex.index === 0) target[target.length - 1] = [...(target[0] ?? [])];
    live.vertex = null;
    this.hooks.changed(live.object, changed);
    return true;
  }

  get vertexHeld(): boolean {
    return this.live?.held === true;
  }

  /** Every vertex once; a ring's last one is its first. */
  private vertices(): { line: number; index: number; drawn: Position }[] {
    const live = this.live;
    if (live === null) return [];
    const closed = live.stored.type.endsWith('Polygon');
    return linesOf(live.stored).flatMap((line, at) => line.slice(0, closed ? -1 : undefined).map((position, index) => ({ line: at, index, drawn: project(position) })));
  }

  private moveVertex(lineAt: number, index: number, drawn: Position): void {
    const live = this.live;
    if (live === null) return;
    const changed = structuredClone(live.stored);
    const line = linesOf(changed)[lineAt];
    const old = line?.[index];
    if (line === undefined || old === undefined) return;
    const target = this.snapTargets.get(`${drawn[0]},${drawn[1]}`);
    const moved = target === undefined ? [...unproject(drawn), ...old.slice(2)] : [...target];
    old.splice(0, old.length, ...moved);
    if (live.stored.type.endsWith('Polygon') && index === 0) line[line.length - 1] = [...moved];
    this.hooks.changed(live.object, changed);
  }

  private startModifying(feature: Feature): void {
    const point = feature.getGeometry() instanceof Point;
    const modify = new Modify({
      features: new Collection([feature]), pixelTolerance: 12, deleteCondition: (event) => altKeyOnly(event) && click(event),
      style: point ? undefined : (handle) => this.style(handle), ...(point ? { hitDetection: this.layer } : {}),
    });
    modify.on('modifystart', () => feature.getGeometry()?.on('change', (event) => this.sketch(event.target as LineString)));
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
    if (live === null || geometry === undefined) return;
    const changed = restoreGeometry(live.stored, fromDrawn(geometry), this.snapTargets);
    this.hooks.sketch(null);
    if (JSON.stringify(changed) === JSON.stringify(live.stored)) return;
    live.stored = changed;
    this.hooks.changed(live.object, changed);
  }

  private finish(kind: DrawKind, drawn: Geometry): void {
    const stored = kind === 'continue' ? (this.live?.stored ?? null) : null;
    const turned = this.reversed && drawn.type === 'LineString' ? { ...drawn, coordinates: drawn.coordinates.toReversed() } : drawn;
    const geometry = restoreGeometry(stored, turned, this.snapTargets);
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
    this.add(new Snap({ source: this.snapSource, pixelTolerance: SNAP_PX }));
  }

  /** Snapping knows the stored shapes, never the thinned ones of the picture. */
  private async loadSnap(): Promise<void> {
    try {
      const { features } = await this.hooks.near(this.stage.box(), SNAP_LIMIT);
      const others = features.filter((entry) => entry.object !== this.live?.object).map((entry) => entry.feature.geometry as Geometry);
      this.snapTargets = targetsOf(others);
      this.snapSource.clear(true);
      this.snapSource.addFeatures(others.map((geometry) => new Feature(toDrawn(geometry))));
    } catch (error) {
      this.hooks.failed(error);
    }
  }

  /** The vertex within reach of a drawn place. */
  private nearest(place: Position): Position | null {
    const reach = SNAP_PX * (this.stage.map.getView().getResolution() ?? 1);
    let best: { distance: number; drawn: Position } | null = null;
    for (const stored of this.snapTargets.values()) {
      const drawn = project(stored);
      const distance = Math.hypot((drawn[0] ?? 0) - (place[0] ?? 0), (drawn[1] ?? 0) - (place[1] ?? 0));
      if (distance <= reach && (best === null || distance < best.distance)) best = { distance, drawn };
    }
    return best?.drawn ?? null;
  }

  private style(feature: FeatureLike): Style[] {
    const focus = this.colors?.focus ?? '#0b57d0';
    const white = new Stroke({ color: '#ffffff', width: 6 });
    const line = new Stroke({ color: focus, width: 3 });
    const geometry = feature.getGeometry();
    if (geometry instanceof Point) {
      const snapped = feature.get('existing') === true;
      const live = this.live?.feature === feature;
      const color = snapped ? '#e0218a' : focus;
      const pin = live && this.live !== null ? this.stage.stylesOf(this.live.object) : [];
      return [...pin, new Style({ image: new Circle({ radius: live ? 12 : 8, fill: new Fill({ color: live ? 'rgba(255,255,255,0.35)' : '#ffffff' }), stroke: new Stroke({ color, width: 4 }) }), zIndex: 3 }),
        ...(live ? [new Style({ image: new Circle({ radius: 3.5, fill: new Fill({ color: focus }) }), zIndex: 30_000 })] : [])];
    }
    const styles = [new Style({ stroke: white }), new Style({ stroke: line, fill: new Fill({ color: 'rgba(11,87,208,0.12)' }) })];
    if (this.live?.feature !== feature) return styles;
    const chosen = this.live.vertex === null ? undefined : this.vertices()[this.live.vertex];
    styles.push(new Style({
      geometry: () => new MultiPoint(this.drawnVertices(feature)),
      image: new RegularShape({ points: 4, angle: Math.PI / 4, radius: 7, fill: new Fill({ color: '#ffffff' }), stroke: new Stroke({ color: focus, width: 2.5 }) }),
      zIndex: 2,
    }));
    if (chosen !== undefined) styles.push(new Style({ geometry: new Point(chosen.drawn), image: new Circle({ radius: 12, stroke: new Stroke({ color: '#e0218a', width: 4 }) }), zIndex: 5 }));
    return styles;
  }

  private drawnVertices(feature: FeatureLike): Position[] {
    const geometry = feature instanceof Feature ? feature.getGeometry() : undefined;
    return geometry === undefined ? [] : linesOf(fromDrawn(geometry)).flat();
  }
}
