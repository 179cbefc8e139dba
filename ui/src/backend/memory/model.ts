// What the in-memory backend keeps: maps with layers, features and the life of each edit.

import type { Bounds, ConflictCard, FieldSpec, Geometry, HistoryEntry, Json, JsonObject, LayerKind, LogLine, PendingEntry, ProposalCard } from '../types';

export interface Feature { id: string; layer: string; geometry: Geometry; properties: JsonObject; options: JsonObject }

export interface Layer {
  id: string;
  name: string;
  parent: string | null;
  rank: number;
  group: boolean;
  kind: LayerKind;
  mayEdit: boolean;
  settings: JsonObject;
  fields: FieldSpec[];
}

export interface Unit { label: string; before: Snapshot; after: Snapshot }
export interface Snapshot { layers: Map<string, Layer>; features: Map<string, Feature>; settings: JsonObject }

export interface StoredMap {
  id: string;
  name: string;
  server: string | null;
  address: string | null;
  account: string | null;
  readOnly: boolean;
  syncedAt: number | null;
  trouble: { code: string; text: string; holder: string | null } | null;
  settings: JsonObject;
  layers: Map<string, Layer>;
  features: Map<string, Feature>;
  undo: Unit[];
  redo: Unit[];
  pending: PendingEntry[];
  history: Map<string, HistoryEntry[]>;
  conflicts: ConflictCard[];
  proposals: ProposalCard[];
  log: LogLine[];
  revision: number;
}

export const refOf = (feature: { layer: string; id: string }): string => `${feature.layer}/${feature.id}`;

export function snapshot(map: StoredMap): Snapshot {
  return structuredClone({ layers: map.layers, features: map.features, settings: map.settings });
}

export function positionsOf(geometry: Geometry): number[][] {
  switch (geometry.type) {
    case 'Point': return [geometry.coordinates];
    case 'MultiPoint':
    case 'LineString': return geometry.coordinates;
    case 'MultiLineString':
    case 'Polygon': return geometry.coordinates.flat();
    case 'MultiPolygon': return geometry.coordinates.flat(2);
    case 'GeometryCollection': return geometry.geometries.flatMap(positionsOf);
  }
}

export function boundsOf(geometries: Geometry[]): Bounds | null {
  let bounds: Bounds | null = null;
  for (const geometry of geometries) {
    for (const [lon = 0, lat = 0] of positionsOf(geometry)) {
      if (bounds === null) bounds = [lon, lat, lon, lat];
      else bounds = [Math.min(bounds[0], lon), Math.min(bounds[1], lat), Math.max(bounds[2], lon), Math.max(bounds[3], lat)];
    }
  }
  return bounds;
}

export function overlap(a: Bounds, b: Bounds): boolean {
  return a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];
}

export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
