// Heat on a 2D canvas (the map library's own heatmap needs WebGL).

import ImageLayer from 'ol/layer/Image';
import ImageCanvas from 'ol/source/ImageCanvas';

import type { Mark, Style } from '../backend/types';
import { project } from './coordinates';

interface Spot { x: number; y: number; share: number; radius: number; blur: number }

/** Where the colour of the summed opacity changes: blue, cyan, lime, yellow, red. */
const STOPS: [number, string][] = [[0.4, 'blue'], [0.6, 'cyan'], [0.7, 'lime'], [0.8, 'yellow'], [1, 'red']];

export class Heat {
  private spots: Spot[] = [];
  private colors: Uint8ClampedArray | null = null;
  private readonly source = new ImageCanvas({ ratio: 1, canvasFunction: (extent, _resolution, pixelRatio, size) => this.paint(extent, pixelRatio, size) });
  readonly layer = new ImageLayer({ source: this.source, zIndex: 5 });

  set(marks: Mark[], styles: Style[]): void {
    this.spots = [];
    for (const mark of marks) {
      const style = styles[mark.s];
      if (style?.kind !== 'heat' || mark.g.type !== 'Point') continue;
      const [x = 0, y = 0] = project(mark.g.coordinates);
      this.spots.push({ x, y, share: Math.max(mark.v ?? 0, style.minOpacity), radius: style.radius, blur: style.blur });
    }
    this.source.changed();
  }

  private paint(extent: number[], pixelRatio: number, size: number[]): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    const [width = 1, height = 1] = size.map(Math.round);
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (context === null || this.spots.length === 0) return canvas;
    const [west = 0, south = 0, east = 1, north = 1] = extent;
    const stamps = new Map<string, HTMLCanvasElement>();
    for (const spot of this.spots) {
      const reach = (spot.radius + spot.blur) * pixelRatio;
      const key = `${spot.radius} ${spot.blur}`;
      const stamp = stamps.get(key) ?? softDisc(spot.radius * pixelRatio, reach);
      stamps.set(key, stamp);
      context.globalAlpha = Math.min(1, spot.share);
      context.drawImage(stamp, ((spot.x - west) / (east - west)) * width - reach, ((north - spot.y) / (north - south)) * height - reach);
    }
    const image = context.getImageData(0, 0, width, height);
    const colors = (this.colors ??= gradient());
    for (let at = 0; at < image.data.length; at += 4) {
      const opacity = image.data[at + 3] ?? 0;
      if (opacity === 0) continue;
      image.data[at] = colors[opacity * 4] ?? 0;
      image.data[at + 1] = colors[opacity * 4 + 1] ?? 0;
      image.data[at + 2] = colors[opacity * 4 + 2] ?? 0;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

function softDisc(radius: number, reach: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = Math.ceil(reach * 2);
  const context = canvas.getContext('2d');
  if (context === null) return canvas;
  const shade = context.createRadialGradient(reach, reach, 0, reach, reach, reach);
  shade.addColorStop(0, 'rgba(0,0,0,1)');
  shade.addColorStop(Math.min(0.95, (radius / reach) * 0.5), 'rgba(0,0,0,0.6)');
  shade.addColorStop(1, 'rgba(0,0,0,0)');
  context.fillStyle = shade;
  context.fillRect(0, 0, reach * 2, reach * 2);
  return canvas;
}

function gradient(): Uint8ClampedArray {
  const canvas = document.createElement('canvas');
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext('2d');
  if (context === null) return new Uint8ClampedArray(1024);
  const colors = context.createLinearGradient(0, 0, 256, 0);
  for (const [share, color] of STOPS) colors.addColorStop(share, color);
  context.fillStyle = colors;
  context.fillRect(0, 0, 256, 1);
  return context.getImageData(0, 0, 256, 1).data;
}
