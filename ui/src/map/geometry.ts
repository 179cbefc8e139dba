// Between stored geometries and the map library's, through the drawing plane.

import type OlGeometry from 'ol/geom/Geometry';
import OlGeometryCollection from 'ol/geom/GeometryCollection';
import LineString from 'ol/geom/LineString';
import MultiLineString from 'ol/geom/MultiLineString';
import MultiPoint from 'ol/geom/MultiPoint';
import MultiPolygon from 'ol/geom/MultiPolygon';
import Point from 'ol/geom/Point';
import Polygon from 'ol/geom/Polygon';

import type { Geometry } from '../backend/types';
import { projectGeometry } from './coordinates';

/** A stored geometry, drawn in two dimensions. */
export function toDrawn(stored: Geometry): OlGeometry {
  const geometry = projectGeometry(stored);
  switch (geometry.type) {
    case 'Point': return new Point(geometry.coordinates);
    case 'MultiPoint': return new MultiPoint(geometry.coordinates);
    case 'LineString': return new LineString(geometry.coordinates);
    case 'MultiLineString': return new MultiLineString(geometry.coordinates);
    case 'Polygon': return new Polygon(geometry.coordinates);
    case 'MultiPolygon': return new MultiPolygon(geometry.coordinates);
    case 'GeometryCollection': return new OlGeometryCollection(stored.type === 'GeometryCollection' ? stored.geometries.map(toDrawn) : []);
  }
}

/** The coordinates of a drawn geometry, still in the drawing plane. */
export function fromDrawn(drawn: OlGeometry): Geometry {
  if (drawn instanceof Point) return { type: 'Point', coordinates: drawn.getCoordinates() };
  if (drawn instanceof MultiPoint) return { type: 'MultiPoint', coordinates: drawn.getCoordinates() };
  if (drawn instanceof LineString) return { type: 'LineString', coordinates: drawn.getCoordinates() };
  if (drawn instanceof MultiLineString) return { type: 'MultiLineString', coordinates: drawn.getCoordinates() };
  if (drawn instanceof Polygon) return { type: 'Polygon', coordinates: drawn.getCoordinates() };
  if (drawn instanceof MultiPolygon) return { type: 'MultiPolygon', coordinates: drawn.getCoordinates() };
  if (drawn instanceof OlGeometryCollection) return { type: 'GeometryCollection', geometries: drawn.getGeometries().map(fromDrawn) };
  throw new Error(`no such geometry: ${drawn.getType()}`);
}

/** What the core sends as text, numbers as they are stored. */
export function parseGeometry(text: string): Geometry | null {
  if (text === '' || text === 'null') return null;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && 'type' in value ? (value as Geometry) : null;
}
