// Asks for the viewport, one question at a time, and keeps the old picture until the new one is there.

import type { ViewportAnswer, ViewportQuery } from '../backend/types';

const QUIET_MS = 60;

export interface LoaderHooks {
  ask: (query: ViewportQuery) => Promise<ViewportAnswer>;
  /** The query for what is in view now; null while there is nothing to see. */
  query: () => ViewportQuery | null;
  show: (answer: ViewportAnswer) => void;
  failed: (error: unknown) => void;
}

export class Loader {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private asking = false;
  private again = false;
  private revision = -1;
  private stopped = false;

  constructor(private readonly hooks: LoaderHooks) {}

  /** The view moved: soon is enough. */
  soon(): void {
    if (this.timer !== null || this.stopped) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.now();
    }, QUIET_MS);
  }

  /** The map changed: at once, or right after the question that is on its way. */
  async now(): Promise<void> {
    if (this.stopped) return;
    if (this.asking) {
      this.again = true;
      return;
    }
    const query = this.hooks.query();
    if (query === null) return;
    this.asking = true;
    try {
      const answer = await this.hooks.ask(query);
      // A reader may have begun before a write that was already shown.
      if (!this.stopped && answer.revision >= this.revision) {
        this.revision = answer.revision;
        this.hooks.show(answer);
      } else {
        this.again = !this.stopped;
      }
    } catch (error) {
      this.hooks.failed(error);
    } finally {
      this.asking = false;
      if (this.again) {
        this.again = false;
        this.soon();
      }
    }
  }

  /** Nothing is asked and nothing is about to be. */
  get idle(): boolean {
    return this.timer === null && !this.asking;
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }
}
