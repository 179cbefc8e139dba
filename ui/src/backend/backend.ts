// The one door between the window and the core. Everything asynchronous; errors are `Problem`.

import type {
  About, BackgroundView, BackUp, ConflictCard, DeskEvent, Edit, ExactFeatures, FeatureDetail, FileKind, HistoryEntry, ImportReport, LayerLegend, LibraryView, LogLine,
  LonLatBox, MapView, PendingEntry, PictureHosts, Problem, ProposalCard, Rescue, Side, SignIn, Spot, SyncView, TakeOffline, UndoSummary,
  ViewportAnswer, ViewportQuery, WrittenEdit,
} from './types';

export type Unsubscribe = () => void;

/** Tiles and pictures of the web; a picture that is not shown is a problem with a code `picture_…`. */
export interface PictureBackend {
  background(): Promise<BackgroundView | null>;
  tile(zoom: number, column: number, row: number): Promise<Blob>;
  /** By what the map says: an address, or the end of one on its server. */
  picture(said: string): Promise<Blob>;
  /** Loads the open map's pictograms ahead. */
  keep(): Promise<number>;
  hosts(): Promise<PictureHosts>;
  /** `null` takes the answer back. */
  allow(host: string, allowed: boolean | null): Promise<void>;
  clear(): Promise<void>;
}

export interface Backend {
  readonly pictures: PictureBackend;

  library(): Promise<LibraryView>;
  /** `layer` is the name of the layer that it begins with. */
  createMap(name: string, layer: string, server: string | null): Promise<string>;
  addSample(): Promise<string>;
  takeOffline(request: TakeOffline): Promise<string>;
  cancel(): Promise<void>;
  removeMap(id: string, discard: boolean): Promise<void>;
  openMap(id: string): Promise<MapView>;
  openReadOnly(id: string): Promise<MapView>;
  /** Asks where to, then copies the map's file; null when nothing was chosen. */
  backUp(id: string): Promise<BackUp | null>;
  /** Asks where to, then writes what can be read of a damaged map; null when nothing was chosen. */
  rescue(id: string): Promise<Rescue | null>;
  closeMap(): Promise<void>;

  mapView(): Promise<MapView>;
  viewport(query: ViewportQuery): Promise<ViewportAnswer>;
  legend(): Promise<LayerLegend[]>;
  feature(ref: string): Promise<FeatureDetail>;
  featuresIn(box: LonLatBox, limit: number): Promise<ExactFeatures>;
  history(ref: string): Promise<HistoryEntry[]>;
  takeBack(row: number): Promise<void>;

  edit(label: string, edits: Edit[]): Promise<WrittenEdit>;
  undo(): Promise<UndoSummary>;
  redo(): Promise<UndoSummary>;

  syncView(): Promise<SyncView>;
  goOnline(): Promise<void>;
  goOffline(): Promise<void>;
  saveNow(): Promise<void>;
  signIn(how: SignIn): Promise<void>;
  /** Shows the server's own sign-in page, by the server's address or a map's; `signed-in` tells how it ended. */
  signInPage(server: string, allowHttp: boolean): Promise<void>;
  signInClose(): Promise<void>;
  /** Where the user looks, for other Bivouacs; two nulls to be seen no more. */
  here(at: Spot | null, selected: string[] | null): Promise<void>;
  pending(): Promise<PendingEntry[]>;
  discard(rows: number[]): Promise<void>;
  conflicts(): Promise<ConflictCard[]>;
  resolve(id: number, choice: Side): Promise<void>;
  proposals(): Promise<ProposalCard[]>;
  approve(row: number): Promise<void>;
  reject(row: number): Promise<void>;
  syncLog(before: number | null): Promise<LogLine[]>;

  about(): Promise<About>;
  openExternal(url: string): Promise<void>;
  /** Asks where; null when nothing was chosen, otherwise the number of features. */
  exportMap(kind: FileKind, layer: string | null): Promise<number | null>;
  /** Asks which file; null when nothing was chosen. */
  importFile(layer: string | null): Promise<ImportReport | null>;
  /** A file that came as `open-wanted`. */
  importOffered(id: string, layer: string | null): Promise<ImportReport>;
  /** Makes a new map of a file that came as `open-wanted`; its id. */
  createFrom(id: string): Promise<string>;
  showLogs(): Promise<void>;
  setLocale(locale: string): Promise<void>;
  /** Ends the program, or stays after `quit-wanted`. */
  quit(stay: boolean): Promise<void>;
  answer(id: number, text: string | null): Promise<void>;

  listen(handler: (event: DeskEvent) => void): Unsubscribe;
}

/** What a rejected promise of the backend carries; anything else becomes the code `unexpected`. */
export function asProblem(error: unknown): Problem {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    const text = 'text' in error && typeof error.text === 'string' ? error.text : '';
    const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : null;
    return { code: error.code, text, detail };
  }
  return { code: 'unexpected', text: error instanceof Error ? error.message : String(error), detail: null };
}
