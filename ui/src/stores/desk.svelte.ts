// The application as the window sees it: the library, the open map, messages.

import { asProblem } from '../backend/backend';
import type { Backend } from '../backend/backend';
import type { DeskEvent, FileKind, ImportReport, LibraryView, Question, TakeOffline } from '../backend/types';
import { explain, noticeText } from '../i18n/problems';
import { m } from '../paraglide/messages';
import { Notices } from './notices.svelte';
import { OpenMap } from './open-map.svelte';
import { Pictures } from './pictures.svelte';
import { Prefs } from './prefs.svelte';

export interface Progress { what: string; done: number; total: number }
export interface Asked { id: number; question: Question; text: string }

export class Desk {
  readonly notices = new Notices();
  readonly prefs = new Prefs();
  readonly pictures = new Pictures(this);
  library = $state<LibraryView | null>(null);
  map = $state<OpenMap | null>(null);
  opening = $state<string | null>(null);
  progress = $state<Progress | null>(null);
  asked = $state<Asked[]>([]);
  /** An address or a file that the system handed to this window; it is asked about before anything is opened. */
  wanted = $state<{ what: string; import: string | null } | null>(null);
  /** Who signed in on a server's own page; whoever asked takes it. */
  signedIn = $state<{ server: string; user: string } | null>(null);
  imported = $state<ImportReport | null>(null);
  /** How many edits wait when the window is to be closed. */
  quitting = $state<number | null>(null);

  constructor(readonly backend: Backend) {
    backend.listen((event) => this.hear(event));
    void this.refreshLibrary();
  }

  async refreshLibrary(): Promise<void> {
    await this.run(async () => {
      this.library = await this.backend.library();
    });
  }

  /** Runs something and shows what went wrong; `undefined` then. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }

  tell(error: unknown): void {
    const problem = asProblem(error);
    if (problem.code === 'cancelled') return;
    const { title, help } = explain(problem);
    this.notices.add('error', title, help, { detail: problem.text });
  }

  async openMap(id: string, readOnly = false): Promise<void> {
    this.opening = id;
    await this.run(async () => {
      const view = readOnly ? await this.backend.openReadOnly(id) : await this.backend.openMap(id);
      this.map = new OpenMap(this, view);
    });
    this.opening = null;
  }

  async closeMap(): Promise<void> {
    const map = this.map;
    if (map === null) return;
    if (!(await map.drafts.flushAll())) {
      this.notices.add('error', m.draft_failed_title(), m.draft_failed_stay());
      return;
    }
    await this.run(() => this.backend.closeMap());
    this.map = null;
    // What was said about that map, with its undo, makes no sense without it.
    this.notices.clear();
    await this.refreshLibrary();
  }

  async takeOffline(request: TakeOffline): Promise<string> {
    this.progress = { what: 'connecting', done: 0, total: 0 };
    try {
      return await this.backend.takeOffline(request);
    } finally {
      this.progress = null;
    }
  }

  async exportMap(kind: FileKind, layer: string | null = null): Promise<void> {
    const written = await this.run(() => this.backend.exportMap(kind, layer));
    if (typeof written === 'number') this.notices.add('good', m.exported_n({ n: written }));
  }

  /** Imports a file of the user's choice, or one that was offered. */
  async importFile(layer: string | null, offered: string | null = null): Promise<void> {
    const report = await this.run(() => (offered === null ? this.backend.importFile(layer) : this.backend.importOffered(offered, layer)));
    if (report === undefined || report === null) return;
    await this.map?.refresh();
    if (Object.keys(report.changed).length + Object.keys(report.dropped).length > 0) this.imported = report;
    else this.notices.add('good', m.imported_title({ n: report.features }), '', { action: { label: m.undo(), run: () => void this.map?.undo() } });
  }

  async answer(id: number, text: string | null): Promise<void> {
    this.asked = this.asked.filter((question) => question.id !== id);
    await this.run(() => this.backend.answer(id, text));
  }

  async quit(stay = false): Promise<void> {
    this.quitting = null;
    await this.run(() => this.backend.quit(stay));
  }

  /** What is being typed is written first; then quitting is asked about when something waits. */
  private async quitWanted(waiting: number): Promise<void> {
    const map = this.map;
    const typed = map?.drafts.size ?? 0;
    if (map !== null && !(await map.drafts.flushAll())) {
      this.notices.add('error', m.draft_failed_title(), m.draft_failed_stay());
      await this.quit(true);
      return;
    }
    if (waiting + typed > 0) this.quitting = waiting + typed;
    else await this.quit();
  }

  private hear(event: DeskEvent): void {
    switch (event.kind) {
      case 'library':
        void this.refreshLibrary();
        break;
      case 'progress':
        if (this.progress !== null) this.progress = { what: event.what, done: event.done, total: event.total };
        break;
      case 'notice': {
        const { title, help } = noticeText(event.code, event.text);
        this.notices.add(event.level, title, help, { detail: event.text });
        break;
      }
      case 'asked':
        this.asked = [...this.asked, { id: event.id, question: event.question, text: event.text }];
        break;
      case 'open-wanted':
        this.wanted = { what: event.what, import: event.import };
        break;
      case 'quit-wanted':
        void this.quitWanted(event.waiting);
        break;
      case 'signed-in':
        this.signedIn = { server: event.server, user: event.user };
        break;
      case 'changed':
      case 'sync':
      case 'touched':
      case 'presence':
        this.map?.hear(event);
        break;
    }
  }
}
