// Tiles and pictures without a network: drawn here, behind the same questions.

import type { PictureBackend } from '../backend';
import type { BackgroundView, PictureHosts, Problem } from '../types';

const HOST = 'tile.example.org';

export class MemoryPictures implements PictureBackend {
  private readonly answers = new Map<string, boolean>();
  private kept = 0;
  private readonly asked = new Set<string>();

  /** `shown` says whether the open map has a background. */
  constructor(private readonly shown: () => boolean) {}

  async background(): Promise<BackgroundView | null> {
    if (!this.shown()) return null;
    const allowed = this.answers.get(HOST);
    const leave = allowed === undefined ? 'unasked' : allowed ? 'yes' : 'no';
    return { name: 'Sketch', attribution: '© [[https://tile.example.org/about|Sketch tiles]]', minZoom: 0, maxZoom: 19, host: HOST, leave, online: true, key: 'sketch' };
  }

  async tile(zoom: number, column: number, row: number): Promise<Blob> {
    this.check(HOST);
    return this.drawn(`${zoom}/${column}/${row}`, `<rect width="256" height="256" fill="#dfe9d8" stroke="#b9c9b4"/><text x="128" y="132" text-anchor="middle" font-size="15" fill="#6c7d68">${zoom}/${column}/${row}</text>`, 256);
  }

  async picture(said: string): Promise<Blob> {
    this.check(said.startsWith('/') ? HOST : new URL(said).host);
    return this.drawn(said, '<path d="M12 3 2 20h20zM12 12l4 8H8z" fill="#111"/>', 24);
  }

  async keep(): Promise<number> {
    return this.asked.size;
  }

  async hosts(): Promise<PictureHosts> {
    return { hosts: [...this.answers].map(([host, allowed]) => ({ host, allowed })), bytes: this.kept };
  }

  async allow(host: string, allowed: boolean | null): Promise<void> {
    if (allowed === null) this.answers.delete(host);
    else this.answers.set(host, allowed);
  }

  async clear(): Promise<void> {
    this.kept = 0;
    this.asked.clear();
  }

  private check(host: string): void {
    const allowed = this.answers.get(host);
    if (allowed === true) return;
    const code = allowed === undefined ? 'picture_unasked' : 'picture_refused';
    throw { code, text: `load a picture: ${host}`, detail: host } satisfies Problem;
  }

  private drawn(name: string, inside: string, side: number): Blob {
    const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 ${side} ${side}">${inside}</svg>`;
    if (!this.asked.has(name)) this.kept += text.length;
    this.asked.add(name);
    return new Blob([text], { type: 'image/svg+xml' });
  }
}
