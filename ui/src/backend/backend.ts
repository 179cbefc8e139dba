// The one door between the window and the core. Everything asynchronous; errors are `BackendError`.

import type {
  About, BackendError, Bounds, ConflictCard, Edit, Edited, Event, FeatureDetail, HistoryEntry, LibraryView, LogLine,
  MapView, PendingEntry, ProposalCard, StoredFeature, SyncView, TakeOffline, UndoReport, ViewportAnswer, ViewportQuery,
} from './types';

export type SignIn = { user: string; password: string; keepPassword: boolean } | { editLink: string };
export type Unsubscribe = () => void;

export interface Backend {
  library(): Promise<LibraryView>;
  createMap(name: string, server: string | null): Promise<string>;
  addSample(): Promise<string>;
  takeOffline(request: TakeOffline): Promise<string>;
  cancel(): Promise<void>;
  removeMap(id: string, discard: boolean): Promise<void>;
  openMap(id: string): Promise<MapView>;
  openReadOnly(id: string): Promise<MapView>;
  closeMap(): Promise<void>;

  mapView(): Promise<MapView>;
  viewport(query: ViewportQuery): Promise<ViewportAnswer>;
  feature(ref: string): Promise<FeatureDetail>;
  featuresIn(box: Bounds, limit: number): Promise<StoredFeature[]>;
  history(ref: string): Promise<HistoryEntry[]>;
  takeBack(row: number): Promise<void>;

  edit(label: string, edits: Edit[]): Promise<Edited>;
  undo(): Promise<UndoReport>;
  redo(): Promise<UndoReport>;

  syncView(): Promise<SyncView>;
  goOnline(): Promise<void>;
  goOffline(): Promise<void>;
  saveNow(): Promise<void>;
  signIn(how: SignIn): Promise<void>;
  pending(): Promise<PendingEntry[]>;
  discard(rows: number[]): Promise<void>;
  conflicts(): Promise<ConflictCard[]>;
  resolve(id: number, choice: 'mine' | 'theirs'): Promise<void>;
  proposals(): Promise<ProposalCard[]>;
  approve(row: number): Promise<void>;
  reject(row: number): Promise<void>;
  syncLog(before: number | null): Promise<LogLine[]>;

  about(): Promise<About>;
  openExternal(url: string): Promise<void>;
  exportMap(format: string): Promise<void>;
  importFile(layer: string | null): Promise<void>;
  showLogs(): Promise<void>;
  setLocale(locale: string): Promise<void>;
  quit(): Promise<void>;

  listen(handler: (event: Event) => void): Unsubscribe;
}

/** What a rejected promise of the backend carries; anything else becomes the code `unexpected`. */
export function asBackendError(error: unknown): BackendError {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    const text = 'text' in error && typeof error.text === 'string' ? error.text : '';
    const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : null;
    return { code: error.code, text, detail };
  }
  return { code: 'unexpected', text: error instanceof Error ? error.message : String(error), detail: null };
}
