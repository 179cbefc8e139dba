// Pictures of the web for this window: what was asked, which hosts wait for a yes or a no.

import { asProblem } from '../backend/backend';
import type { Desk } from './desk.svelte';

export class Pictures {
  /** Hosts that some picture of this map comes from and nobody was asked about yet. */
  unasked = $state<string[]>([]);
  /** Grows whenever an answer changed, so that what was missing is asked for again. */
  turn = $state(0);

  constructor(private readonly desk: Desk) {}

  /** A picture did not come; only an unasked host is worth a question. */
  missing(error: unknown): void {
    const problem = asProblem(error);
    const host = problem.detail;
    if (problem.code === 'picture_unasked' && host !== null && !this.unasked.includes(host)) this.unasked = [...this.unasked, host];
  }

  async allow(host: string, allowed: boolean | null): Promise<void> {
    await this.desk.run(() => this.desk.backend.pictures.allow(host, allowed));
    this.unasked = this.unasked.filter((other) => other !== host);
    this.turn += 1;
    if (allowed === true) void this.keep();
  }

  /** Loads the map's pictograms ahead; nobody waits for it. */
  async keep(): Promise<void> {
    await this.desk.backend.pictures.keep().catch(() => 0);
  }

  async clear(): Promise<void> {
    await this.desk.run(() => this.desk.backend.pictures.clear());
    this.turn += 1;
  }

  /** Another map has other questions. */
  forget(): void {
    this.unasked = [];
  }
}
