// Coordinates as people read and type them: decimal degrees, and degrees, minutes, seconds.

import dms from 'geographiclib-dms';

import type { Position } from '../backend/types';
import { roundDegrees } from './coordinates';

function part(value: number, positive: string, negative: string): string {
  const tenths = Math.round(Math.abs(value) * 36_000);
  const degrees = Math.floor(tenths / 36_000);
  const minutes = Math.floor((tenths % 36_000) / 600);
  const seconds = (tenths % 600) / 10;
  return `${degrees}° ${String(minutes).padStart(2, '0')}′ ${seconds.toFixed(1).padStart(4, '0')}″ ${value < 0 ? negative : positive}`;
}

export function toDms(position: Position): string {
  return `${part(position[1] ?? 0, 'N', 'S')}  ${part(position[0] ?? 0, 'E', 'W')}`;
}

/** Latitude first, as people say it. */
export function toDecimal(position: Position, decimals = 6): string {
  const show = (value: number | undefined): string => String(Number((value ?? 0).toFixed(decimals)));
  return `${show(position[1])}, ${show(position[0])}`;
}

/** Reads "45.07, 5.55", "45°04'06\"N 5°33'E" or "N 45 4 6, E 5 33": latitude first unless letters say otherwise. */
export function parsePosition(text: string): Position | null {
  const clean = text
    .trim().replace(/[′’´]/g, "'").replace(/[″”]/g, '"').replace(/''/g, '"').replace(/°/g, 'd').replace(/\bO\b/gi, 'W')
    .replace(/\s*([d'":])\s*/g, '$1').replace(/\s+([NSEW])\b/gi, '$1');
  const comma = clean.split(/[,;]\s*/).filter((piece) => piece !== '');
  const pieces = comma.length === 2 ? comma : clean.split(/\s+/);
  const [first, second] = pieces;
  if (pieces.length !== 2 || first === undefined || second === undefined) return null;
  try {
    const { lat, lon } = dms.DecodeLatLon(first, second, false);
    return Number.isFinite(lat) && Number.isFinite(lon) ? [roundDegrees(lon), roundDegrees(lat)] : null;
  } catch {
    return null;
  }
}
