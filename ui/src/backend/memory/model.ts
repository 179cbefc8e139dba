// What the in-memory backend keeps: maps with layers, features and the life of each edit.

import type { ConflictCard, Field, Geometry, HistoryEntry, Json, JsonObject, LayerKind, LogLine, LonLatBox, PendingEntry, ProposalCard, Trouble } from '../types';

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
  fields: Field[];
}

export interface Unit { label: string; before: Snapshot; after: Snapshot; revision: number }
export interface Snapshot { layers: Map<string, Layer>; features: Map<string, Feature>; settings: JsonObject }

export interface StoredMap {
  id: string;
  name: string;
  server: string | null;
  address: string | null;
  account: string | null;
  readOnly: boolean;
  syncedAt: number | null;
  trouble: Trouble | null;
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
  /** What others wrote since the map was opened. */
  foreign: { object: string; key: string; by: string; revision: number }[];
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

export function boundsOf(geometries: Geometry[]): LonLatBox | null {
  let box: LonLatBox | null = null;
  for (const geometry of geometries) {
    for (const [lon = 0, lat = 0] of positionsOf(geometry)) {
      if (box === null) box = { west: lon, south: lat, east: lon, north: lat };
      else box = { west: Math.min(box.west, lon), south: Math.min(box.south, lat), east: Math.max(box.east, lon), north: Math.max(box.north, lat) };
    }
  }
  return box;
}

export function overlap(a: LonLatBox, b: LonLatBox): boolean {
  return a.west <= b.east && a.east >= b.west && a.south <= b.north && a.north >= b.south;
}

export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function asObject(value: Json): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
