// The sample world of the in-memory backend: a field survey in a mountain valley, made from a fixed seed.

import type { Field, Geometry, JsonObject, LayerKind } from '../types';
import type { Feature, Layer, StoredMap } from './model';
import { boundsOf, refOf } from './model';

const HOUR = 3_600_000;

/** A small generator with a seed, so that every picture of a test run is the same. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789';

export function makeId(random: () => number): string {
  return Array.from({ length: 5 }, () => LETTERS[Math.floor(random() * LETTERS.length)] ?? 'A').join('');
}

const round = (value: number): number => Math.round(value * 1e6) / 1e6;
const at = (lon: number, lat: number): number[] => [round(lon), round(lat)];

function blob(random: () => number, lon: number, lat: number, size: number, corners = 9): number[][] {
  const ring = Array.from({ length: corners }, (_, step) => {
    const angle = (step / corners) * Math.PI * 2;
    const reach = size * (0.72 + random() * 0.5);
    return at(lon + Math.cos(angle) * reach * 1.4, lat + Math.sin(angle) * reach);
  });
  const [first] = ring;
  return first === undefined ? ring : [...ring, [...first]];
}

function walk(random: () => number, lon: number, lat: number, heading: number, steps: number): number[][] {
  const path = [at(lon, lat)];
  let [x, y, angle] = [lon, lat, heading];
  for (let step = 0; step < steps; step += 1) {
    angle += (random() - 0.5) * 0.9;
    x += Math.cos(angle) * 0.0032;
    y += Math.sin(angle) * 0.0022;
    path.push(at(x, y));
  }
  return path;
}

export function emptyMap(id: string, name: string, server: string | null): StoredMap {
  return {
    id, name, server, address: server === null ? null : `${server}/en/map/${id}`, account: server === null ? null : 'camille', readOnly: false,
    syncedAt: null, trouble: null, settings: { name }, layers: new Map(), features: new Map(), undo: [], redo: [], pending: [],
    history: new Map(), conflicts: [], proposals: [], log: [], foreign: [], revision: 1,
  };
}

export function sampleMap(id: string, now: number, name = 'Vercors field survey'): StoredMap {
  const random = seeded(20260611);
  const map = emptyMap(id, name, 'https://umap.example.org');
  map.syncedAt = now - 5 * HOUR;
  map.settings = { name, longCredit: 'Walked by the **Quatre Montagnes** botanists.', licence: { name: 'ODbL 1.0' }, tilelayer: { name: 'Plain', url_template: 'https://tiles.example.org/{z}/{x}/{y}.png', attribution: '© example.org' }, description: 'Springs, paths and habitats of the **Quatre Montagnes**, walked every June.\n\nSee [[https://umap-project.org|uMap]].' };

  const layer = (key: string, title: string, kind: LayerKind, settings: JsonObject, fields: [string, string, ...string[]][] = [], extra: Partial<Layer> = {}): string => {
    const id = `layer-${key}`;
    map.layers.set(id, { id, name: title, parent: null, rank: map.layers.size, group: false, kind, mayEdit: true, settings: { displayOnLoad: true, name: title, fields: fields.map(([key, type, ...values]) => ({ key, type, ...(values.length > 0 ? { values } : {}) })), ...settings }, fields: fields.map(([key, type, ...values]): Field => ({ key, type, values, fromMap: false })), ...extra });
    return id;
  };
  const add = (to: string, geometry: Geometry, properties: JsonObject, options: JsonObject = {}): Feature => {
    const feature: Feature = { id: makeId(random), layer: to, geometry, properties, options };
    map.features.set(refOf(feature), feature);
    return feature;
  };

  const water = layer('water', 'Springs and troughs', 'Default', { color: '#1f6fb2', iconClass: 'Drop', showLabel: true }, [
    ['flow', 'Number'], ['potable', 'Boolean'], ['visited', 'Date'],
    ['state', 'Enum', 'running', 'low', 'dry'], ['remarks', 'Text'],
  ]);
  const springs: [string, number, number, number, string][] = [
    ['Fontaine de Garin', 5.5481, 45.0682, 4.2, 'running'], ['Source de la Moucherolle', 5.5672, 45.0521, 1.1, 'low'],
    ['Bachasson de l’Ours', 5.5289, 45.0588, 0, 'dry'], ['Fontaine du Furon', 5.5583, 45.0849, 12.5, 'running'],
    ['Source du Clot d’Aspres, below the old sheepfold with the collapsed roof', 5.5829, 45.0701, 2.6, 'running'],
  ];
  const spring = springs.map(([title, lon, lat, flow, state]) => add(water, { type: 'Point', coordinates: at(lon, lat) }, {
    name: title, flow, potable: flow > 2, visited: '2026-06-09', state,
    description: `# Condition\nWater is **${state}** at ${flow} l/min.\n* trough of stone\n* fence to repair\n\nMore on [[https://example.org/springs|the survey page]].`,
  }));

  const trails = layer('trails', 'Paths', 'Default', { color: '#b4451f', weight: 4, opacity: 0.9 }, [['surface', 'String']]);
  add(trails, { type: 'LineString', coordinates: walk(random, 5.522, 45.049, 0.6, 26) }, { name: 'GR 91', surface: 'gravel' }, { showLabel: true });
  add(trails, { type: 'LineString', coordinates: walk(random, 5.53, 45.078, -0.35, 22) }, { name: 'Sentier des crêtes', surface: 'rock' }, { dashArray: '8,6', color: '#7b2d8b' });
  add(trails, { type: 'MultiLineString', coordinates: [walk(random, 5.541, 45.045, 1.2, 9), walk(random, 5.572, 45.081, -1.1, 8)] }, { name: 'Forest road', surface: 'earth' }, { color: '#5f5a52', weight: 6, opacity: 0.55 });

  const survey = layer('survey', 'Survey 2026', 'Default', {}, [], { group: true });
  const parcels = layer('parcels', 'Parcels by grazing days', 'Choropleth', { choropleth: { property: 'days', classes: 5 }, weight: 1, opacity: 0.8, color: '#2f5d3a' }, [['days', 'Number'], ['owner', 'String']], { parent: survey });
  for (let row = 0; row < 3; row += 1) {
    for (let column = 0; column < 4; column += 1) {
      const [lon, lat] = [5.534 + column * 0.0075, 45.0895 + row * 0.0052];
      const outer = blob(random, lon, lat, 0.0022);
      const rings = row === 1 && column === 1 ? [outer, blob(random, lon, lat, 0.0007, 6).reverse()] : [outer];
      add(parcels, { type: 'Polygon', coordinates: rings }, { name: `Parcel ${row * 4 + column + 1}`, days: Math.round(random() * 120), owner: random() > 0.5 ? 'Commune' : 'GAEC des Crêtes' });
    }
  }
  const habitats = layer('habitats', 'Habitats', 'Categorized', { categorized: { property: 'type' }, weight: 2, opacity: 0.9, fillOpacity: 0.5 }, [['type', 'String']], { parent: survey });
  const kinds = ['Beech wood', 'Dry meadow', 'Wet meadow', 'Scree', 'Spruce wood'];
  for (let index = 0; index < 11; index += 1) {
    add(habitats, { type: 'Polygon', coordinates: [blob(random, 5.541 + (index % 4) * 0.0125, 45.0475 + Math.floor(index / 4) * 0.0075, 0.0021)] }, { name: `${kinds[index % 5] ?? ''} ${index + 1}`, type: kinds[index % 5] ?? '' });
  }
  const trees = layer('trees', 'Veteran trees', 'Cluster', { color: '#1d7a45', iconClass: 'Circle' }, [['girth', 'Number']]);
  for (let index = 0; index < 260; index += 1) {
    const hub = index % 5;
    add(trees, { type: 'Point', coordinates: at(5.585 + hub * 0.004 + random() * 0.008, 45.052 + hub * 0.0075 + random() * 0.006) }, { name: `Tree ${index + 1}`, girth: Math.round(120 + random() * 260) });
  }
  const sightings = layer('sightings', 'Chamois sightings', 'Heat', { heat: { radius: 28 }, color: '#c0392b' });
  for (let index = 0; index < 160; index += 1) {
    const spread = (random() + random() + random()) / 3 - 0.5;
    add(sightings, { type: 'Point', coordinates: at(5.514 + spread * 0.03, 45.081 + ((random() + random()) / 2 - 0.5) * 0.03) }, { name: `Chamois ${index + 1}` });
  }
  const huts = layer('huts', 'Beds in huts', 'Circles', { circles: { property: 'beds' }, color: '#a3561b', fillOpacity: 0.5 }, [['beds', 'Number']]);
  for (const [title, lon, lat, beds] of [['Refuge de Roybon', 5.6015, 45.0885, 64], ['La Jasse', 5.6092, 45.0752, 18], ['Cabane de Carrette', 5.6143, 45.0935, 6]] as const) {
    add(huts, { type: 'Point', coordinates: at(lon, lat) }, { name: title, beds });
  }
  const marks = layer('marks', 'Boundary stones (protected)', 'Default', { color: '#333333', iconClass: 'Ball' }, [], { mayEdit: false });
  for (let index = 0; index < 5; index += 1) add(marks, { type: 'Point', coordinates: at(5.519 + index * 0.0022, 45.0632 + index * 0.0031) }, { name: `Stone ${index + 1}` });
  const notes = layer('notes', 'Notes of today', 'Default', { color: '#d1495b' });
  add(notes, { type: 'Point', coordinates: at(5.5528, 45.0757) }, { name: 'Fallen beech across the path', description: 'Blocks the way for bicycles. {{https://example.org/beech.jpg|240}}' });
  add(notes, { type: 'Point', coordinates: at(5.5371, 45.0664) }, { name: 'Gate' }, { iconClass: 'LargeCircle', color: '#0b6e4f' });
  add(notes, { type: 'Polygon', coordinates: [blob(random, 5.5745, 45.0612, 0.0016)] }, { name: 'Burnt area' }, { color: '#d1495b', fillOpacity: 0.35, dashArray: '4,4' });

  fillLife(map, now, spring);
  return map;
}

/** Pending edits, conflicts, a proposal, a log and histories of some features. */
function fillLife(map: StoredMap, now: number, spring: Feature[]): void {
  const [garin, moucherolle, bear] = spring;
  if (garin === undefined || moucherolle === undefined || bear === undefined) return;
  const notes = [...map.features.values()].filter((feature) => feature.layer === 'layer-notes');
  notes.forEach((feature, index) => map.pending.push({
    rows: [900 + index], object: refOf(feature), layerName: 'Notes of today', name: String(feature.properties['name']), verb: 'added',
    keys: [], at: now - (40 - index * 9) * 60_000, state: 'local', bounds: boundsOf([feature.geometry]),
  }));
  map.pending.push({ rows: [910, 911], object: refOf(garin), layerName: 'Springs and troughs', name: String(garin.properties['name']), verb: 'changed', keys: ['properties.flow', 'properties.visited'], at: now - 11 * 60_000, state: 'sent', bounds: boundsOf([garin.geometry]) });
  map.history.set(refOf(garin), [
    { row: 911, at: now - 11 * 60_000, who: 'camille', mine: true, server: false, current: true, verb: 'update', key: 'properties.visited', from: '2026-05-30', to: '2026-06-09', state: 'sent' },
    { row: 910, at: now - 11 * 60_000, who: 'camille', mine: true, server: false, current: true, verb: 'update', key: 'properties.flow', from: 3.8, to: 4.2, state: 'sent' },
    { row: 412, at: now - 30 * HOUR, who: 'Ange', mine: false, server: true, current: false, verb: 'update', key: 'properties.state', from: 'low', to: 'running', state: 'verified' },
    { row: 120, at: now - 420 * HOUR, who: 'Ange', mine: false, server: true, current: false, verb: 'upsert', key: null, from: null, to: null, state: 'verified' },
  ]);
  const [lon = 0, lat = 0] = bear.geometry.type === 'Point' ? bear.geometry.coordinates : [];
  map.conflicts.push(
    { id: 1, kind: 'value', object: refOf(moucherolle), layerName: 'Springs and troughs', name: String(moucherolle.properties['name']), key: 'properties.flow', mine: 1.1, theirs: 0.4, theirsBy: 'Ange', theirsAt: now - 2 * HOUR, mineAt: now - HOUR, mineGeometry: null, theirsGeometry: null, bounds: boundsOf([moucherolle.geometry]) },
    { id: 2, kind: 'value', object: refOf(bear), layerName: 'Springs and troughs', name: String(bear.properties['name']), key: 'geometry', mine: null, theirs: null, theirsBy: 'Ange', theirsAt: now - 3 * HOUR, mineAt: now - 2 * HOUR, mineGeometry: JSON.stringify({ type: 'Point', coordinates: [lon, lat] }), theirsGeometry: JSON.stringify({ type: 'Point', coordinates: [lon + 0.0041, lat + 0.0019] }), bounds: boundsOf([bear.geometry]) },
  );
  const [beech] = notes;
  if (beech !== undefined) map.conflicts.push({ id: 3, kind: 'deleted-while-edited', object: refOf(beech), layerName: 'Notes of today', name: String(beech.properties['name']), key: null, mine: null, theirs: null, theirsBy: 'Ange', theirsAt: now - 4 * HOUR, mineAt: now - HOUR, mineGeometry: JSON.stringify(beech.geometry), theirsGeometry: null, bounds: boundsOf([beech.geometry]) });
  map.proposals.push({ row: 77, object: 'layer-marks/zz', layerName: 'Boundary stones (protected)', name: 'Stone 3', verb: 'update', key: 'properties.name', now: 'Stone 3', proposed: 'Stone 3 (moved)', by: null, at: now - HOUR });
  map.log.push(
    { id: 99, at: now - 5 * HOUR, code: 'verified', detail: '' }, { id: 98, at: now - 5 * HOUR - 60_000, code: 'saved', detail: 'layer-water 1780992000_1' },
    { id: 97, at: now - 5.1 * HOUR, code: 'live', detail: '' }, { id: 96, at: now - 6 * HOUR, code: 'disconnected', detail: 'connection refused' },
  );
}
