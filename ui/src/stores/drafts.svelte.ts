// What is being typed and is not yet on this laptop. One visit to a field is one undo unit: it is written when the
// field is left, on Enter, before synchronising and before closing. A failed write keeps the text.

import type { Edit } from '../backend/types';

export interface Draft { object: string; key: string; value: unknown; label: string; make: (value: unknown) => Edit }

export class Drafts {
  /** Drafts by `object key`. */
  private list = $state<Record<string, Draft>>({});
  /** Drafts whose write failed. */
  failed = $state<Record<string, string>>({});

  constructor(private readonly write: (label: string, edits: Edit[]) => Promise<void>, private readonly explain: (error: unknown) => string) {}

  static id(object: string, key: string): string {
    return `${object} ${key}`;
  }

  get size(): number {
    return Object.keys(this.list).length;
  }

  get(object: string, key: string): Draft | undefined {
    return this.list[Drafts.id(object, key)];
  }

  set(draft: Draft): void {
    this.list[Drafts.id(draft.object, draft.key)] = draft;
  }

  drop(object: string, key: string): void {
    delete this.list[Drafts.id(object, key)];
    delete this.failed[Drafts.id(object, key)];
  }

  /** Writes one draft. Resolves to whether nothing of it is left. */
  async flush(object: string, key: string): Promise<boolean> {
    const id = Drafts.id(object, key);
    const draft = this.list[id];
    if (draft === undefined) return true;
    try {
      await this.write(draft.label, [draft.make(draft.value)]);
    } catch (error) {
      this.failed[id] = this.explain(error);
      return false;
    }
    delete this.failed[id];
    // Typed on meanwhile: the newer text stays a draft.
    if (this.list[id] !== undefined && this.list[id].value === draft.value) delete this.list[id];
    return true;
  }

  async flushAll(): Promise<boolean> {
    const done = await Promise.all(Object.values(this.list).map((draft) => this.flush(draft.object, draft.key)));
    return done.every(Boolean);
  }
}
