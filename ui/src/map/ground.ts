// What lies under every map: a small outline of the world and a grid of degrees, without any network.

import Feature from 'ol/Feature';
import MultiLineString from 'ol/geom/MultiLineString';
import Polygon from 'ol/geom/Polygon';
import VectorLayer from 'ol/layer/Vector';
import { fromLonLat, transformExtent } from 'ol/proj';
import VectorSource from 'ol/source/Vector';
import { Fill, Stroke, Style } from 'ol/style';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

import type { Position } from '../backend/types';
import { cutAtAntimeridian } from './antimeridian';
import type { MapColors } from './palette';

/** Mercator ends here; nearer to a pole there is nothing to draw. */
const NORTH_END = 85.05;

const clamp = (position: Position): Position => fromLonLat([position[0] ?? 0, Math.max(-NORTH_END, Math.min(NORTH_END, position[1] ?? 0))]);

export class Ground {
  private readonly land = new VectorSource();
  private readonly grid = new VectorSource();
  readonly layers: VectorLayer[];
  private gridStep = 0;
  private gridBox = '';

  constructor() {
    this.layers = [
      new VectorLayer({ source: this.land, zIndex: -20, updateWhileAnimating: true, updateWhileInteracting: true }),
      new VectorLayer({ source: this.grid, zIndex: -10, updateWhileAnimating: true, updateWhileInteracting: true }),
    ];
    void this.load();
  }

  setColors(colors: MapColors): void {
    const [land, grid] = this.layers;
    land?.setStyle(new Style({ fill: new Fill({ color: colors.land }), stroke: new Stroke({ color: colors.coast, width: 1 }) }));
    grid?.setStyle(new Style({ stroke: new Stroke({ color: colors.grid, width: 1 }) }));
    land?.setBackground(colors.sea);
  }

  /** Lines of longitude and latitude for what is in view; about eight across. */
  showGrid(extent: number[], zoom: number): void {
    const [west = -180, south = -85, east = 180, north = 85] = transformExtent(extent, 'EPSG:3857', 'EPSG:4326');
    const steps = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
    const wanted = 360 / 2 ** zoom;
    const step = steps.find((candidate) => candidate <= wanted) ?? 0.001;
    const from = [Math.floor(west / step) - 1, Math.floor(south / step) - 1];
    const to = [Math.ceil(east / step) + 1, Math.ceil(north / step) + 1];
    const box = `${step} ${from.join()} ${to.join()}`;
    if (box === this.gridBox) return;
    this.gridBox = box;
    this.gridStep = step;
    const lines: Position[][] = [];
    const [left = 0, low = 0, right = 0, high = 0] = [...from, ...to];
    for (let at = left; at <= right; at += 1) lines.push([clamp([at * step, low * step]), clamp([at * step, high * step])]);
    for (let at = low; at <= high; at += 1) if (Math.abs(at * step) < NORTH_END) lines.push([clamp([left * step, at * step]), clamp([right * step, at * step])]);
    this.grid.clear(true);
    this.grid.addFeature(new Feature(new MultiLineString(lines)));
  }

  /** Degrees between two lines of the grid. */
  get step(): number {
    return this.gridStep;
  }

  private async load(): Promise<void> {
    const world = (await import('world-atlas/land-110m.json')).default as unknown as Topology<{ land: GeometryCollection }>;
    for (const part of feature(world, world.objects.land).features) {
      const polygons = part.geometry.type === 'Polygon' ? [part.geometry.coordinates] : part.geometry.type === 'MultiPolygon' ? part.geometry.coordinates : [];
      for (const polygon of polygons) {
        for (const piece of cutAtAntimeridian(polygon)) this.land.addFeature(new Feature(new Polygon(piece.map((ring) => ring.map(clamp)))));
      }
    }
  }
}
