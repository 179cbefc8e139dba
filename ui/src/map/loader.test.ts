import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ViewportAnswer, ViewportQuery } from '../backend/types';
import { Loader } from './loader';

const query: ViewportQuery = { west: 0, south: 0, east: 1, north: 1, zoom: 3, width: 10, height: 10, pixelRatio: 1, hidden: [], shown: [], selected: [] };
const answer = (revision: number): ViewportAnswer => ({ revision, zoom: 3, thinned: false, features: 0, layers: [], styles: [], marks: [] });

describe('the loader', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('asks once for many moves and never twice at a time', async () => {
    let release: (value: ViewportAnswer) => void = () => undefined;
    const ask = vi.fn(() => new Promise<ViewportAnswer>((resolve) => { release = resolve; }));
    const show = vi.fn();
    const loader = new Loader({ ask, query: () => query, show, failed: vi.fn() });
    for (let move = 0; move < 20; move += 1) loader.soon();
    await vi.advanceTimersByTimeAsync(100);
    expect(ask).toHaveBeenCalledTimes(1);
    void loader.now();
    void loader.now();
    expect(ask).toHaveBeenCalledTimes(1);
    release(answer(1));
    await vi.advanceTimersByTimeAsync(200);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(show).toHaveBeenCalledTimes(1);
  });

  it('never shows an older picture over a newer one, and asks again', async () => {
    const revisions = [7, 5, 7];
    const shown: number[] = [];
    const loader = new Loader({ ask: async () => answer(revisions.shift() ?? 9), query: () => query, show: (a) => shown.push(a.revision), failed: vi.fn() });
    await loader.now();
    await loader.now();
    await vi.advanceTimersByTimeAsync(200);
    expect(shown).toEqual([7, 7]);
  });

  it('goes on after a failed question', async () => {
    const failed = vi.fn();
    const ask = vi.fn<(query: ViewportQuery) => Promise<ViewportAnswer>>().mockRejectedValueOnce(new Error('no')).mockResolvedValue(answer(1));
    const show = vi.fn();
    const loader = new Loader({ ask, query: () => query, show, failed });
    await loader.now();
    expect(failed).toHaveBeenCalledTimes(1);
    await loader.now();
    expect(show).toHaveBeenCalledTimes(1);
  });
});
