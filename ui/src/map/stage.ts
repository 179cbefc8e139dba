// The map in the window: layers, view, what is under the pointer. Editing lies beside it in `editing.ts`.

import { defaults as defaultControls } from 'ol/control/defaults';
import { containsExtent, createEmpty, extend, getCenter } from 'ol/extent';
import Feature from 'ol/Feature';
import type { FeatureLike } from 'ol/Feature';
import { defaults as defaultInteractions } from 'ol/interaction/defaults';
import DoubleClickZoom from 'ol/interaction/DoubleClickZoom';
import VectorLayer from 'ol/layer/Vector';
import OlMap from 'ol/Map';
import type MapBrowserEvent from 'ol/MapBrowserEvent';
import Overlay from 'ol/Overlay';
import { fromLonLat, toLonLat, transformExtent } from 'ol/proj';
import VectorSource from 'ol/source/Vector';
import { Circle, Fill, Stroke, Style } from 'ol/style';
import View from 'ol/View';

import type { Geometry, LonLatBox, Mark, Position, ViewportAnswer, ViewportQuery } from '../backend/types';
import { toDrawn } from './geometry';
import { Ground } from './ground';
import { Steady } from './steady';
import { Heat } from './heat';
import { Loader } from './loader';
import type { MapColors } from './palette';
import { HoverLabel } from './hover-label';
import { Pictograms } from './pictograms';
import type { AskPicture } from './pictograms';
import { StyleCache } from './styles';
import { Tiles } from './tiles';
import type { AskTile } from './tiles';
import { mark as moment } from './timing';

/** How much more than the window is asked for, so that a small move shows no empty edge. */
const MARGIN = 0.2;
const HIT_PX = 7;

export interface StageEvents {
  pick: (object: string | null, how: { additive: boolean; ctrl: boolean; shift: boolean; pixel: number[] }) => void;
  pointer: (at: Position | null) => void;
  moved: (view: { center: Position; zoom: number; resolution: number }) => void;
  shown: (answer: ViewportAnswer) => void;
  failed: (error: unknown) => void;
  pictureMissing: (error: unknown) => void;
}

export class Stage {
  readonly map: OlMap;
  readonly marks = new VectorSource();
  private readonly marksLayer: VectorLayer;
  private readonly highlights = new VectorSource();
  private readonly highlightLayer: VectorLayer;
  private readonly comparison = new VectorSource();
  private readonly comparisonLayer: VectorLayer;
  private readonly ground = new Ground();
  private readonly heat = new Heat();
  readonly tiles: Tiles;
  readonly pictograms: Pictograms;
  private readonly styles: StyleCache;
  private readonly hoverLabel: HoverLabel;
  private readonly loader: Loader;
  private readonly steady: Steady;
  private answer: ViewportAnswer | null = null;
  private hidden: string[] = [];
  private shown: string[] = [];
  private selected: string[] = [];
  /** Drawn live by the editor, so not by the picture. */
  private live = new Set<string>();
  /** Told what is drawn after each painting. */
  onPaint: ((marks: Mark[]) => void) | null = null;
  /** Off while the editor has the clicks. */
  picking = true;

  constructor(target: HTMLElement, ask: (query: ViewportQuery) => Promise<ViewportAnswer>, web: { tile: AskTile; picture: AskPicture }, private readonly events: StageEvents) {
    this.tiles = new Tiles(web.tile);
    this.pictograms = new Pictograms(web.picture, () => this.redraw(), (error) => events.pictureMissing(error));
    this.styles = new StyleCache((said) => this.pictograms.of(said));
    this.marksLayer = new VectorLayer({ source: this.marks, zIndex: 10, declutter: true, renderBuffer: 260 });
    this.highlightLayer = new VectorLayer({ source: this.highlights, zIndex: 30 });
    this.comparisonLayer = new VectorLayer({ source: this.comparison, zIndex: 40 });
    this.map = new OlMap({
      target,
      layers: [...this.ground.layers, this.tiles.layer, this.heat.layer, this.marksLayer, this.highlightLayer, this.comparisonLayer],
      controls: defaultControls({ attribution: false, zoom: false, rotate: false }),
      interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false, doubleClickZoom: true, onFocusOnly: false }),
      view: new View({ center: fromLonLat([5.5, 45]), zoom: 4, minZoom: 1, maxZoom: 22, enableRotation: false, multiWorld: false, constrainOnlyCenter: true }),
      keyboardEventTarget: target,
    });
    this.loader = new Loader({
      ask,
      query: () => this.query(),
      show: (answer) => {
        this.answer = answer;
        moment('answer');
        this.paint();
        this.events.shown(answer);
      },
      failed: (error) => this.events.failed(error),
    });
    this.hoverLabel = new HoverLabel(this.map);
    this.map.on('moveend', () => this.afterMove());
    this.map.on('rendercomplete', () => {
      if (this.answer !== null) moment('drawn');
    });
    this.map.on('click', (event) => this.click(event));
    this.map.on('pointermove', (event) => {
      if (!event.dragging) this.hover(event);
    });
    target.addEventListener('pointerleave', () => {
      this.events.pointer(null);
      this.hoverLabel.hide();
    });
    this.steady = new Steady(this.map, target, () => this.selectedExtent());
  }

  setColors(colors: MapColors): void {
    this.ground.setColors(colors);
    const ring = new Circle({ radius: 11, fill: new Fill({ color: 'rgba(255,255,255,0.35)' }), stroke: new Stroke({ color: colors.focus, width: 3 }) });
    this.highlightLayer.setStyle([
      new Style({ stroke: new Stroke({ color: 'rgba(255,255,255,0.9)', width: 9 }) }),
      new Style({ stroke: new Stroke({ color: colors.focus, width: 4 }), image: ring }),
    ]);
    this.comparisonLayer.setStyle((feature: FeatureLike) => {
      const color = feature.get('side') === 'mine' ? colors.mine : colors.theirs;
      const dash = feature.get('side') === 'mine' ? undefined : [8, 7];
      const stroke = new Stroke({ color, width: 4, lineDash: dash });
      return [
        new Style({ stroke: new Stroke({ color: '#ffffff', width: 8 }) }),
        new Style({ stroke, image: new Circle({ radius: 14, stroke, fill: new Fill({ color: 'rgba(255,255,255,0.55)' }) }) }),
      ];
    });
  }

  setLayers(hidden: string[], shown: string[]): void {
    this.hidden = hidden;
    this.shown = shown;
    void this.loader.now();
  }

  setSelected(objects: string[]): void {
    this.selected = objects;
    this.paintHighlights();
    void this.loader.now();
  }

  setLive(objects: Iterable<string>): void {
    this.live = new Set(objects);
    this.paint();
  }

  /** Two versions of a geometry side by side; null takes them away. */
  compare(sides: { side: 'mine' | 'theirs'; geometry: Geometry }[]): void {
    this.comparison.clear(true);
    for (const { side, geometry } of sides) this.comparison.addFeature(new Feature({ geometry: toDrawn(geometry), side }));
    const extent = this.comparison.getExtent();
    if (extent !== null && extent !== undefined && sides.length > 0 && !containsExtent(this.map.getView().calculateExtent(), extent)) this.fitExtent(extent);
  }

  /** How a feature looks in the picture, for the editor that draws it itself. */
  stylesOf(object: string): Style[] {
    const mark = this.answer?.marks.find((candidate) => candidate.o === object);
    const style = mark === undefined ? undefined : this.answer?.styles[mark.s];
    return mark === undefined || style === undefined ? [] : this.styles.of(mark, style, JSON.stringify(style), true);
  }

  reload(): void {
    void this.loader.now();
  }

  fit(box: LonLatBox, animate = true): void {
    if (box.west === box.east && box.south === box.north) {
      const zoom = this.map.getView().getZoom() ?? 3;
      if (animate) this.center([box.west, box.south], Math.max(zoom, 14));
      else this.jump([box.west, box.south], 14);
      return;
    }
    this.fitExtent(transformExtent([box.west, Math.max(-85, box.south), box.east, Math.min(85, box.north)], 'EPSG:4326', 'EPSG:3857'), animate);
  }

  /** The keyboard's crosshair holds the middle; the hand with the mouse holds what is under it. */
  holdMiddle(on: boolean): void {
    this.steady.middle = on;
  }

  center(at: Position, zoom?: number): void {
    this.steady.release();
    this.map.getView().animate({ center: fromLonLat(at), ...(zoom === undefined ? {} : { zoom }), duration: 180 });
  }

  jump(at: Position, zoom: number): void {
    this.steady.release();
    this.map.getView().setCenter(fromLonLat(at));
    this.map.getView().setZoom(zoom);
  }

  zoomBy(steps: number): void {
    this.steady.release();
    const view = this.map.getView();
    view.animate({ zoom: (view.getZoom() ?? 3) + steps, duration: 150 });
  }

  get middle(): Position {
    return toLonLat(this.map.getView().getCenter() ?? [0, 0]);
  }

  /** Where a place is on the screen, in CSS pixels. */
  onScreen(at: Position): number[] {
    const pixel = this.map.getPixelFromCoordinate(fromLonLat(at)) ?? [0, 0];
    const box = this.map.getTargetElement()?.getBoundingClientRect();
    return [(pixel[0] ?? 0) + (box?.left ?? 0), (pixel[1] ?? 0) + (box?.top ?? 0)];
  }

  /** The box in view. */
  box(margin = 0): LonLatBox {
    const extent = this.map.getView().calculateExtent();
    const [width, height] = [(extent[2] ?? 0) - (extent[0] ?? 0), (extent[3] ?? 0) - (extent[1] ?? 0)];
    const wider = [(extent[0] ?? 0) - width * margin, (extent[1] ?? 0) - height * margin, (extent[2] ?? 0) + width * margin, (extent[3] ?? 0) + height * margin];
    const [west = -180, south = -85, east = 180, north = 85] = transformExtent(wider, 'EPSG:3857', 'EPSG:4326');
    const whole = east - west >= 360;
    return { west: whole ? -180 : west, south: Math.max(-89.9, south), east: whole ? 179.999999 : east, north: Math.min(89.9, north) };
  }

  placeAt(pixel: number[]): Position {
    return toLonLat(this.map.getCoordinateFromPixel(pixel) ?? [0, 0]);
  }

  /** What lies at a drawn place, topmost first. */
  objectAt(pixel: number[]): Mark | null {
    const found = this.map.forEachFeatureAtPixel(pixel, (feature) => feature.get('mark') as Mark | undefined, { hitTolerance: HIT_PX, layerFilter: (layer) => layer === this.marksLayer });
    return found ?? null;
  }

  /** Marks in view that stand for a feature, from west to east. */
  objectsInView(): Mark[] {
    const extent = this.map.getView().calculateExtent();
    const seen = new Map<string, { mark: Mark; x: number }>();
    this.marks.forEachFeatureIntersectingExtent(extent, (feature) => {
      const mark = feature.get('mark') as Mark;
      const x = getCenter(feature.getGeometry()?.getExtent() ?? [0, 0, 0, 0])[0] ?? 0;
      if (mark.o !== null) seen.set(mark.o, { mark, x });
    });
    return [...seen.values()].sort((a, b) => a.x - b.x).map((entry) => entry.mark);
  }

  /** A label that stays for a while where somebody else just edited. */
  touch(element: HTMLElement, at: Position, stayMs: number): void {
    const overlay = new Overlay({ element, position: fromLonLat(at), positioning: 'bottom-center', offset: [0, -14], stopEvent: false });
    this.map.addOverlay(overlay);
    setTimeout(() => this.map.removeOverlay(overlay), stayMs);
  }

  cursor(name: string): void {
    const target = this.map.getTargetElement();
    if (target) target.style.cursor = name;
  }

  setDoubleClickZoom(active: boolean): void {
    this.map.getInteractions().forEach((interaction) => {
      if (interaction instanceof DoubleClickZoom) interaction.setActive(active);
    });
  }

  /** Resolves when nothing moves, everything asked for is there, and it is drawn. */
  async settled(): Promise<void> {
    do {
      await new Promise<void>((resolve) => {
        this.map.once('rendercomplete', () => resolve());
        this.map.render();
      });
      if (!this.loader.idle || this.map.getView().getAnimating()) await new Promise((resolve) => setTimeout(resolve, 20));
      else return;
    } while (this.map.getTargetElement() !== null);
  }

  destroy(): void {
    this.loader.stop();
    this.steady.stop();
    this.map.setTarget(undefined);
    this.map.dispose();
  }

  private fitExtent(extent: number[], animate = true): void {
    this.steady.fit(extent, animate);
  }

  /** Where the selected features are in the picture. */
  private selectedExtent(): number[] | null {
    const extent = createEmpty();
    for (const feature of this.highlights.getFeatures()) extend(extent, feature.getGeometry()?.getExtent() ?? []);
    for (const object of this.live) {
      const mark = this.answer?.marks.find((candidate) => candidate.o === object);
      if (mark !== undefined) extend(extent, toDrawn(mark.g).getExtent());
    }
    return Number.isFinite(extent[0] ?? Infinity) ? extent : null;
  }

  private query(): ViewportQuery | null {
    const size = this.map.getSize();
    const [width = 0, height = 0] = size ?? [];
    if (width < 2 || height < 2) return null;
    return {
      ...this.box(MARGIN), zoom: this.map.getView().getZoom() ?? 3, width, height, pixelRatio: window.devicePixelRatio,
      hidden: this.hidden, shown: this.shown, selected: this.selected,
    };
  }

  private afterMove(): void {
    const view = this.map.getView();
    this.ground.showGrid(view.calculateExtent(), view.getZoom() ?? 3);
    this.events.moved({ center: this.middle, zoom: view.getZoom() ?? 3, resolution: view.getResolution() ?? 1 });
    this.loader.soon();
  }

  /** Pictograms came or went: every pin is drawn anew. */
  private redraw(): void {
    this.styles.clear();
    this.paint();
  }

  private paint(): void {
    const answer = this.answer;
    if (answer === null) return;
    const middle = this.map.getView().getCenter()?.[0] ?? 0;
    const features: Feature[] = [];
    const keys = answer.styles.map((style) => JSON.stringify(style));
    for (const mark of answer.marks) {
      const style = answer.styles[mark.s];
      if (style === undefined || style.kind === 'heat' || (mark.o !== null && this.live.has(mark.o))) continue;
      const geometry = toDrawn(mark.g);
      const feature = new Feature({ geometry, mark });
      feature.setStyle(this.styles.of(mark, style, keys[mark.s] ?? '', (getCenter(geometry.getExtent())[0] ?? 0) <= middle));
      features.push(feature);
    }
    this.marks.clear(true);
    this.marks.addFeatures(features);
    this.heat.set(answer.marks, answer.styles);
    this.onPaint?.(answer.marks);
    this.paintHighlights();
  }

  private paintHighlights(): void {
    this.highlights.clear(true);
    const wanted = new Set(this.selected);
    for (const mark of this.answer?.marks ?? []) {
      if (mark.o !== null && wanted.has(mark.o) && !this.live.has(mark.o)) this.highlights.addFeature(new Feature({ geometry: toDrawn(mark.g) }));
    }
    this.steady.painted();
  }

  private click(event: MapBrowserEvent): void {
    if (!this.picking) return;
    const original = event.originalEvent;
    const additive = original instanceof MouseEvent && (original.shiftKey || original.ctrlKey || original.metaKey);
    this.pickAt(event.pixel, additive, original instanceof MouseEvent && (original.ctrlKey || original.metaKey), original instanceof MouseEvent && original.shiftKey);
  }

  pickAt(pixel: number[], additive: boolean, ctrl = false, shift = false): void {
    const mark = this.objectAt(pixel);
    const at = toLonLat(this.map.getCoordinateFromPixel(pixel) ?? [0, 0]);
    if (mark !== null && mark.o === null) {
      const [west, south, east, north] = mark.b ?? [at[0] ?? 0, at[1] ?? 0, at[0] ?? 0, at[1] ?? 0];
      const zoom = this.map.getView().getZoom() ?? 3;
      if (west === east && south === north) this.center(at, zoom + 2);
      else this.fit({ west, south, east, north });
      return;
    }
    this.events.pick(mark?.o ?? null, { additive, ctrl, shift, pixel });
  }

  private hover(event: MapBrowserEvent): void {
    this.events.pointer(toLonLat(event.coordinate));
    const mark = this.picking ? this.objectAt(event.pixel) : null;
    if (this.picking) this.cursor(mark === null ? '' : 'pointer');
    const style = mark === null ? undefined : this.answer?.styles[mark.s];
    const hovered = style !== undefined && 'label' in style && style.label?.hover === true;
    if (mark?.t !== undefined && hovered) this.hoverLabel.show(mark.t, event.coordinate);
    else this.hoverLabel.hide();
  }
}
