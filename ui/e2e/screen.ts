// What the screen tests share: opening the app, going into the sample map, places on the map.

import '../src/backend/memory/start';
import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

export type Theme = 'light' | 'dark' | 'sunlight';
export interface Start { empty?: boolean; locale?: 'en' | 'fr'; theme?: Theme; step?: number }

export async function start(page: Page, options: Start = {}): Promise<void> {
  const kept = { theme: options.theme ?? 'light', locale: options.locale ?? 'en', layersOpen: true, marks: true };
  await page.addInitScript((value) => {
    if (localStorage.getItem('bivouac.window') === null) localStorage.setItem('bivouac.window', JSON.stringify(value));
  }, kept);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`/?step=${options.step ?? 30}${options.empty === true ? '&empty' : ''}`);
  await expect(page.locator('h1').first()).toBeVisible();
  expect(problems).toEqual([]);
}

/** Opens the sample survey and waits until it is drawn. */
export async function openSurvey(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Vercors field survey/ }).first().click();
  await expect(page.getByTestId('chip')).toBeVisible();
  await settled(page);
}

/** Waits until the map is drawn and nothing is on its way. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => window.bivouacSettled !== undefined);
  await page.evaluate(() => window.bivouacSettled?.());
}

/** Where a longitude and latitude is on the screen. */
export async function placeOf(page: Page, [lon = 0, lat = 0]: number[]): Promise<{ x: number; y: number }> {
  await settled(page);
  return page.evaluate(([x = 0, y = 0]) => {
    const pixel = window.bivouacPixel?.(x, y) ?? [0, 0];
    return { x: pixel[0] ?? 0, y: pixel[1] ?? 0 };
  }, [lon, lat]);
}

/** Clicks a feature; a point where its pin is. */
export async function clickFeature(page: Page, name: string, modifiers: ('Shift' | 'Control')[] = [], button: 'left' | 'right' = 'left'): Promise<void> {
  const feature = (await features(page)).find((one) => one.name === name);
  if (feature === undefined) throw new Error(`no feature ${name}`);
  const spot = inside(feature);
  const place = await placeOf(page, spot);
  for (const key of modifiers) await page.keyboard.down(key);
  await page.mouse.click(place.x, place.y - (feature.type === 'Point' ? 12 : 0), { button });
  for (const key of modifiers) await page.keyboard.up(key);
  await settled(page);
}

/** A place on a feature: the point, a vertex of a line, the middle of an area's ring. */
export function inside(feature: { type: string; coordinates: unknown }): number[] {
  const numbers = feature.coordinates as number[] & number[][] & number[][][] & number[][][][];
  if (feature.type === 'Point') return numbers as number[];
  if (feature.type === 'LineString') return (numbers as number[][])[1] ?? [];
  if (feature.type === 'MultiLineString') return (numbers as number[][][])[0]?.[1] ?? [];
  return middleOf(feature.type === 'Polygon' ? ((numbers as number[][][])[0] ?? []) : ((numbers as number[][][][])[0]?.[0] ?? []));
}

export function middleOf(ring: number[][]): number[] {
  const open = ring.slice(0, -1);
  return [0, 1].map((axis) => open.reduce((sum, vertex) => sum + (vertex[axis] ?? 0), 0) / open.length);
}

export async function drag(page: Page, from: { x: number; y: number }, to: { x: number; y: number }): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 6 });
  await page.mouse.up();
}

/** A place on the map, as shares of its width and height. */
export async function at(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = await page.locator('.stage').boundingBox();
  if (box === null) throw new Error('no map');
  return { x: box.x + box.width * x, y: box.y + box.height * y };
}

export async function clickMap(page: Page, x: number, y: number, options: { modifiers?: ('Shift' | 'Control' | 'Alt')[]; double?: boolean } = {}): Promise<void> {
  const place = await at(page, x, y);
  for (const key of options.modifiers ?? []) await page.keyboard.down(key);
  await page.mouse.move(place.x, place.y);
  await page.mouse.click(place.x, place.y, options.double === true ? { clickCount: 2 } : {});
  for (const key of options.modifiers ?? []) await page.keyboard.up(key);
  await settled(page);
}

/** What the backend in memory holds now. */
export async function features(page: Page): Promise<{ object: string; type: string; coordinates: unknown; name: unknown }[]> {
  return page.evaluate(async () => {
    const found = await window.bivouacMemory?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
    return (found?.features ?? []).map(({ object, feature }) => ({ object, type: feature.geometry.type, coordinates: feature.geometry.coordinates, name: (feature.properties as Record<string, unknown>)['name'] }));
  });
}

export const fresh = <T extends { object: string }>(before: T[], after: T[]): T[] => after.filter((one) => !before.some((other) => other.object === one.object));
