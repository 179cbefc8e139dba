// What crosses the wall between the window and the core. The types themselves are generated from the core's.

export type { About } from '../generated/About';
export type { Chip } from '../generated/Chip';
export type { ChipKind } from '../generated/ChipKind';
export type { ConflictCard } from '../generated/ConflictCard';
export type { ConflictCardKind } from '../generated/ConflictCardKind';
export type { CountsView } from '../generated/CountsView';
export type { DeskEvent } from '../generated/DeskEvent';
export type { Edit } from '../generated/Edit';
export type { ExactFeature } from '../generated/ExactFeature';
export type { ExactFeatures } from '../generated/ExactFeatures';
export type { FeatureDetail } from '../generated/FeatureDetail';
export type { Field } from '../generated/Field';
export type { FileKind } from '../generated/FileKind';
export type { ImportReport } from '../generated/ImportReport';
export type { HistoryEntry } from '../generated/HistoryEntry';
export type { Inherited } from '../generated/Inherited';
export type { LayerCard } from '../generated/LayerCard';
export type { LayerKind } from '../generated/LayerKind';
export type { LibraryView } from '../generated/LibraryView';
export type { LogLine } from '../generated/LogLine';
export type { LonLatBox } from '../generated/LonLatBox';
export type { MapCard } from '../generated/MapCard';
export type { MapView } from '../generated/MapView';
export type { PeerCard } from '../generated/PeerCard';
export type { PendingEntry } from '../generated/PendingEntry';
export type { Question } from '../generated/Question';
export type { Problem } from '../generated/Problem';
export type { ProposalCard } from '../generated/ProposalCard';
export type { SaveStep } from '../generated/SaveStep';
export type { Side } from '../generated/Side';
export type { SignIn } from '../generated/SignIn';
export type { Spot } from '../generated/Spot';
export type { SyncView } from '../generated/SyncView';
export type { Trouble } from '../generated/Trouble';
export type { TakeOffline } from '../generated/TakeOffline';
export type { UndoSummary } from '../generated/UndoSummary';
export type { WrittenEdit } from '../generated/WrittenEdit';

/** A value that the map carries; nothing is known about it before it was looked at. */
export type Json = unknown;
export type JsonObject = Record<string, unknown>;

export type Position = number[];
export type Geometry =
  | { type: 'Point'; coordinates: Position }
  | { type: 'MultiPoint'; coordinates: Position[] }
  | { type: 'LineString'; coordinates: Position[] }
  | { type: 'MultiLineString'; coordinates: Position[][] }
  | { type: 'Polygon'; coordinates: Position[][] }
  | { type: 'MultiPolygon'; coordinates: Position[][][] }
  | { type: 'GeometryCollection'; geometries: Geometry[] };

export interface LayerLegend { layer: string; entries: LegendEntry[] }

export interface LegendEntry {
  kind: 'layer' | 'rule' | 'class' | 'category' | 'size';
  label: string;
  color: string;
  opacity: number;
  radius: number | null;
  symbol: Symbol | null;
  count: number | null;
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
