// What crosses the wall between the window and the core.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Trouble { code: string; text: string; holder: string | null }

export interface MapCard {
  id: string;
  name: string;
  server: string | null;
  account: string | null;
  features: number;
  layers: number;
  syncedAt: number | null;
  waiting: number;
  conflicts: number;
  trouble: Trouble | null;
}
export interface LibraryView { maps: MapCard[] }

export interface TakeOffline {
  address: string;
  user: string | null;
  password: string | null;
  editLink: string | null;
  keepPassword: boolean;
}

/** West, south, east, north in degrees. */
export type Bounds = [number, number, number, number];

export type LayerKind = 'Default' | 'Cluster' | 'Heat' | 'Choropleth' | 'Categorized' | 'Circles';

export interface FieldSpec { key: string; type: string }

export interface LegendEntry {
  kind: 'layer' | 'rule' | 'class' | 'category' | 'size';
  label: string;
  color: string;
  opacity: number;
  radius: number | null;
  symbol: Symbol | null;
  count: number | null;
}

export interface LayerCard {
  id: string;
  name: string;
  parent: string | null;
  depth: number;
  rank: number;
  group: boolean;
  kind: LayerKind;
  color: string;
  features: number;
  displayOnLoad: boolean;
  fromZoom: number | null;
  toZoom: number | null;
  mayEdit: boolean;
  settings: JsonObject;
  fields: FieldSpec[];
  legend: LegendEntry[];
}

export interface Rights { editMap: boolean; editSomething: boolean; role: string }

export interface MapView {
  id: string;
  name: string;
  server: string | null;
  address: string | null;
  account: string | null;
  readOnly: boolean;
  rights: Rights;
  settings: JsonObject;
  layers: LayerCard[];
  bounds: Bounds | null;
  center: [number, number] | null;
  zoom: number | null;
  undo: string | null;
  redo: string | null;
}

export interface ViewportQuery {
  west: number;
  south: number;
  east: number;
  north: number;
  zoom: number;
  width: number;
  height: number;
  pixelRatio: number;
  hidden: string[];
  shown: string[];
  selected: string[];
}

export interface Stroke { color: string; width: number; opacity: number; dash: number[] }
export interface Fill { color: string; opacity: number }
export type IconClass = 'Default' | 'Circle' | 'LargeCircle' | 'Drop' | 'Ball' | 'Raw';
export type SymbolKind = 'none' | 'dot' | 'text' | 'url';
export interface Symbol { kind: SymbolKind; value: string; light: boolean }
export interface Icon { class: IconClass; color: string; opacity: number; size: number; symbol: Symbol }
export type LabelSide = 'auto' | 'left' | 'right' | 'top' | 'bottom';
export interface Label { side: LabelSide; hover: boolean; interactive: boolean }
export interface PathText {
  text: string;
  color: string;
  opacity: number;
  size: number;
  offset: number;
  place: 'start' | 'center' | 'end';
  repeat: boolean;
  rotate: number;
}

export type Style =
  | { kind: 'marker'; icon: Icon; label: Label | null }
  | { kind: 'line'; stroke: Stroke | null; text: PathText | null; label: Label | null; interactive: boolean }
  | { kind: 'area'; stroke: Stroke | null; fill: Fill | null; text: PathText | null; label: Label | null; interactive: boolean; mask: boolean }
  | { kind: 'circle'; stroke: Stroke | null; fill: Fill | null; label: Label | null; interactive: boolean }
  | { kind: 'cluster'; color: string; textColor: string }
  | { kind: 'heat'; radius: number; blur: number; minOpacity: number };

export type Position = number[];
export type Geometry =
  | { type: 'Point'; coordinates: Position }
  | { type: 'MultiPoint'; coordinates: Position[] }
  | { type: 'LineString'; coordinates: Position[] }
  | { type: 'MultiLineString'; coordinates: Position[][] }
  | { type: 'Polygon'; coordinates: Position[][] }
  | { type: 'MultiPolygon'; coordinates: Position[][][] }
  | { type: 'GeometryCollection'; geometries: Geometry[] };

export type MarkGeometry = Exclude<Geometry, { type: 'GeometryCollection' }>;

export interface Mark {
  /** `layer/id`, or null for a cluster or a spot of heat. */
  o: string | null;
  l: number;
  s: number;
  g: MarkGeometry;
  /** Label. */
  t?: string;
  /** How many features a cluster holds. */
  n?: number;
  /** Radius in pixels of a circle. */
  r?: number;
  /** Share of the greatest heat, 0 to 1. */
  v?: number;
  /** What a cluster covers. */
  b?: [number, number, number, number];
}

export interface ViewportAnswer {
  revision: number;
  zoom: number;
  thinned: boolean;
  features: number;
  layers: string[];
  styles: Style[];
  marks: Mark[];
}

export interface StoredFeature { o: string; g: Geometry }

export type SaveState = 'local' | 'sent' | 'echoed' | 'saved' | 'verified' | 'superseded' | 'lost';

export interface Inherited { value: Json; from: 'layer' | 'map' | 'default' }

export interface FeatureDetail {
  layer: string;
  id: string;
  /** The stored GeoJSON geometry as it was written. */
  geometry: string;
  properties: JsonObject;
  options: JsonObject;
  inherited: { [key: string]: Inherited };
  saveState: SaveState;
  mayEdit: boolean;
  layerName: string;
  fields: FieldSpec[];
}

export interface HistoryEntry {
  row: number;
  at: number;
  who: string;
  mine: boolean;
  verb: 'added' | 'changed' | 'deleted';
  key: string | null;
  from: Json | null;
  to: Json | null;
  state: SaveState;
}

export type Edit =
  | { do: 'add'; layer: string; feature: { type: 'Feature'; geometry: Geometry; properties: JsonObject } }
  | { do: 'set'; feature: string; key: string; value: Json }
  | { do: 'unset'; feature: string; key: string }
  | { do: 'geometry'; feature: string; geometry: Geometry }
  | { do: 'delete'; feature: string }
  | { do: 'move'; feature: string; to: string }
  | { do: 'layer-add'; name: string; parent?: string | null; properties?: JsonObject }
  | { do: 'layer-set'; layer: string; key: string; value: Json }
  | { do: 'layer-unset'; layer: string; key: string }
  | { do: 'layer-delete'; layer: string }
  | { do: 'map-set'; key: string; value: Json }
  | { do: 'map-unset'; key: string };

export interface Edited { objects: string[]; notes: string[] }

export interface LeftOut { object: string; key: string; by: string }
export interface UndoReport { label: string; changed: number; leftOut: LeftOut[] }

export type ChipKind =
  | 'up-to-date' | 'offline' | 'syncing' | 'waiting' | 'decisions' | 'sign-in' | 'read-only' | 'trouble' | 'local-only';

export interface Chip {
  kind: ChipKind;
  toSend: number;
  toSave: number;
  done: number;
  total: number;
  decisions: number;
  at: number | null;
  code: string | null;
}

export interface Counts { local: number; sent: number; echoed: number; saved: number; verified: number }

export interface PeerCard {
  id: string;
  name: string;
  mine: boolean;
  bivouac: boolean;
  lastSeen: number | null;
  unsaved: number;
}

export interface SyncView {
  chip: Chip;
  state: string;
  online: boolean;
  counts: Counts;
  peers: PeerCard[];
  clockSkewMs: number;
  syncedAt: number | null;
  account: string | null;
}

export interface PendingEntry {
  rows: number[];
  object: string;
  layerName: string;
  name: string;
  verb: 'added' | 'changed' | 'deleted';
  keys: string[];
  at: number;
  state: SaveState;
  bounds: Bounds | null;
}

export interface ConflictCard {
  id: number;
  kind: string;
  object: string;
  layerName: string;
  name: string;
  key: string | null;
  mine: Json;
  theirs: Json;
  theirsBy: string;
  theirsAt: number | null;
  mineGeometry: Geometry | null;
  theirsGeometry: Geometry | null;
}

export interface ProposalCard {
  row: number;
  object: string;
  layerName: string;
  name: string;
  key: string | null;
  value: Json;
  by: string;
  at: number;
}

export interface LogLine { at: number; code: string; detail: string }

export interface About {
  version: string;
  umap: string;
  sqlite: string;
  webview: string;
  renderer: string;
  dataFolder: string;
}

export type Event =
  | { kind: 'changed'; revision: number; objects: string[] | null; mine: boolean }
  | { kind: 'sync'; view: SyncView }
  | { kind: 'progress'; what: string; done: number; total: number }
  | { kind: 'notice'; level: 'info' | 'warning' | 'error'; code: string; text: string }
  | { kind: 'touched'; object: string; who: string; lon: number; lat: number }
  | { kind: 'library' };

export interface BackendError { code: string; text: string; detail?: string | null }
