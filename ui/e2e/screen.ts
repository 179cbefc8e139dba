// What the screen tests share: opening the app, going into the sample map, places on the map.

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
  await page.waitForTimeout(500);
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
  await page.waitForTimeout(320);
}

/** What the backend in memory holds now. */
export async function features(page: Page): Promise<{ object: string; type: string; coordinates: unknown; name: unknown }[]> {
  return page.evaluate(async () => {
    const found = await window.bivouacMemory?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
    return (found?.features ?? []).map(({ object, feature }) => ({ object, type: feature.geometry.type, coordinates: feature.geometry.coordinates, name: (feature.properties as Record<string, unknown>)['name'] }));
  });
}

export const fresh = <T extends { object: string }>(before: T[], after: T[]): T[] => after.filter((one) => !before.some((other) => other.object === one.object));
