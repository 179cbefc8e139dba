// Starts the backend in memory as the address asks: `?empty`, `?now=…`, `?step=…`.

import { MemoryBackend } from './memory';

declare global {
  interface Window {
    /** For tests in a browser: the backend itself. */
    bivouacMemory?: MemoryBackend;
    /** Where a longitude and latitude is on the screen; there while a map is open. */
    bivouacPixel?: (lon: number, lat: number) => number[];
    /** Resolves when the map is drawn and nothing is on its way. */
    bivouacSettled?: () => Promise<void>;
  }
}

export function startMemory(): MemoryBackend {
  const query = new URLSearchParams(location.search);
  const step = Number(query.get('step') ?? '250');
  const backend = new MemoryBackend({ empty: query.has('empty'), stepMs: Number.isFinite(step) ? step : 250 });
  window.bivouacMemory = backend;
  return backend;
}
