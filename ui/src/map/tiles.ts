// The map's background of tiles. The core loads, checks and keeps them; what it does not have stays the outline beneath.

import ImageTile from 'ol/ImageTile';
import TileLayer from 'ol/layer/Tile';
import XYZ from 'ol/source/XYZ';
import TileState from 'ol/TileState';
import { createXYZ } from 'ol/tilegrid';

import type { BackgroundView } from '../backend/types';

export type AskTile = (zoom: number, column: number, row: number) => Promise<Blob>;

export class Tiles {
  readonly layer = new TileLayer<XYZ>({ zIndex: -5, visible: false, preload: 0 });
  private shown = '';
  private failed = 0;

  constructor(private readonly ask: AskTile) {}

  /** Asks again for the tiles that did not come, when there were some. */
  again(): void {
    if (this.failed === 0) return;
    this.failed = 0;
    this.layer.getSource()?.refresh();
  }

  /** Shows a background, another one, or none. */
  set(background: BackgroundView | null): void {
    if (background === null || background.leave !== 'yes') {
      this.layer.setVisible(false);
      this.layer.setSource(null);
      this.shown = '';
      return;
    }
    const wanted = `${background.key} ${background.minZoom} ${background.maxZoom} ${background.online}`;
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.failed = 0;
    const source = new XYZ({
      tileGrid: createXYZ({ minZoom: background.minZoom, maxZoom: Math.max(background.minZoom, background.maxZoom) }),
      tileUrlFunction: (at) => at.join('/'),
      tileLoadFunction: (tile, key) => void this.load(tile as ImageTile, key),
      transition: 120,
    });
    this.layer.setSource(source);
    this.layer.setMinZoom(background.minZoom - 0.01);
    this.layer.setVisible(true);
  }

  private async load(tile: ImageTile, key: string): Promise<void> {
    const [zoom = 0, column = 0, row = 0] = key.split('/').map(Number);
    try {
      const address = URL.createObjectURL(await this.ask(zoom, column, row));
      const image = tile.getImage() as HTMLImageElement;
      const done = (): void => URL.revokeObjectURL(address);
      image.addEventListener('load', done, { once: true });
      image.addEventListener('error', done, { once: true });
      image.src = address;
    } catch {
      this.failed += 1;
      tile.setState(TileState.ERROR);
    }
  }
}
