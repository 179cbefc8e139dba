// What crosses the wall between the window and the core. The types themselves are generated from the core's.

export type { About } from '../generated/About';
export type { BackUp } from '../generated/BackUp';
export type { BackgroundView } from '../generated/BackgroundView';
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
export type { PictureHosts } from '../generated/PictureHosts';
export type { Question } from '../generated/Question';
export type { Problem } from '../generated/Problem';
export type { ProposalCard } from '../generated/ProposalCard';
export type { SaveStep } from '../generated/SaveStep';
export type { Rescue } from '../generated/Rescue';
export type { Side } from '../generated/Side';
export type { SignIn } from '../generated/SignIn';
export type { Spot } from '../generated/Spot';
export type { SyncView } from '../generated/SyncView';
export type { Trouble } from '../generated/Trouble';
export type { TakeOffline } from '../generated/TakeOffline';
export type { UndoSummary } from '../generated/UndoSummary';
export type { WrittenEdit } from '../generated/WrittenEdit';
export type { Fill } from '../generated/Fill';
export type { Icon } from '../generated/Icon';
export type { IconClass } from '../generated/IconClass';
export type { Label } from '../generated/Label';
export type { LabelSide } from '../generated/LabelSide';
export type { LayerLegend } from '../generated/LayerLegend';
export type { LegendEntry } from '../generated/LegendEntry';
export type { Mark } from '../generated/Mark';
export type { MarkGeometry } from '../generated/MarkGeometry';
export type { PathText } from '../generated/PathText';
export type { Stroke } from '../generated/Stroke';
export type { Style } from '../generated/Style';
export type { Symbol } from '../generated/Symbol';
export type { SymbolKind } from '../generated/SymbolKind';
export type { ViewportAnswer } from '../generated/ViewportAnswer';
export type { ViewportQuery } from '../generated/ViewportQuery';

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
