// What can be done with shapes, each on the sample map, with the numbers looked at afterwards.

import { expect, test } from '@playwright/test';
import type { Page } from '@playwright/test';

import { at, clickFeature, clickMap, drag, features, fresh, openSurvey, placeOf, settled, start } from './screen';

type One = Awaited<ReturnType<typeof features>>[number];
const named = async (page: Page, name: string): Promise<One> => {
  const found = (await features(page)).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no feature ${name}`);
  return found;
};
const tool = (page: Page, name: string): Promise<void> => page.getByRole('toolbar', { name: 'Shape' }).getByRole('button', { name, exact: true }).click();
async function clickAt(page: Page, place: number[]): Promise<void> {
  const { x, y } = await placeOf(page, place);
  await page.mouse.move(x, y);
  await page.mouse.click(x, y);
  await settled(page);
}

test.beforeEach(async ({ page }) => {
  await start(page);
  await openSurvey(page);
});

test('a hole is cut into an area and filled again', async ({ page }) => {
  const parcel = await named(page, 'Parcel 4');
  const ring = (parcel.coordinates as number[][][])[0] ?? [];
  const [lon = 0, lat = 0] = [0, 1].map((axis) => ring.slice(0, -1).reduce((sum, vertex) => sum + (vertex[axis] ?? 0), 0) / (ring.length - 1));
  await clickFeature(page, 'Parcel 4');
  await tool(page, 'Add a hole');
  for (const place of [[lon - 0.0006, lat - 0.0004], [lon + 0.0006, lat - 0.0004], [lon, lat + 0.0005]]) await clickAt(page, place);
  await page.keyboard.press('Enter');
  await expect.poll(async () => ((await named(page, 'Parcel 4')).coordinates as number[][][]).length).toBe(2);
  expect(((await named(page, 'Parcel 4')).coordinates as number[][][])[0]).toEqual(ring);
  const inside = await placeOf(page, [lon, lat]);
  await page.mouse.click(inside.x, inside.y, { button: 'right' });
  await page.getByRole('menuitem', { name: 'Remove hole' }).click();
  await expect.poll(async () => (await named(page, 'Parcel 4')).coordinates).toEqual(parcel.coordinates);
});

test('an area gets a second part, which is taken out again', async ({ page }) => {
  const before = await features(page);
  const parcel = await named(page, 'Parcel 4');
  await clickFeature(page, 'Parcel 4');
  await tool(page, 'Add a part');
  for (const [x, y] of [[0.78, 0.55], [0.88, 0.55], [0.83, 0.65]] as const) await clickMap(page, x, y);
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await named(page, 'Parcel 4')).type).toBe('MultiPolygon');
  const parts = (await named(page, 'Parcel 4')).coordinates as number[][][][];
  expect(parts[0]).toEqual(parcel.coordinates);
  expect(parts).toHaveLength(2);
  const inside = await at(page, 0.83, 0.58);
  await page.mouse.click(inside.x, inside.y, { button: 'right' });
  await page.getByRole('menuitem', { name: 'Make this part a feature' }).click();
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  expect(fresh(before, await features(page))[0]).toMatchObject({ type: 'Polygon', name: 'Parcel 4', coordinates: parts[1] });
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await named(page, 'Parcel 4')).coordinates).toEqual(parts);
  await tool(page, 'Separate the parts');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
});

test('an area is cut in two along a line, all its other numbers kept', async ({ page }) => {
  const before = await features(page);
  const parcel = await named(page, 'Parcel 4');
  const ring = (parcel.coordinates as number[][][])[0] ?? [];
  const lons = ring.map(([lon = 0]) => lon);
  const lats = ring.map(([, lat = 0]) => lat);
  const middle = (Math.min(...lats) + Math.max(...lats)) / 2;
  await clickFeature(page, 'Parcel 4');
  await tool(page, 'Split');
  await clickAt(page, [Math.min(...lons) - 0.0008, middle]);
  await clickAt(page, [Math.max(...lons) + 0.0008, middle]);
  await page.keyboard.press('Enter');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  const halves = (await features(page)).filter((one) => one.name === 'Parcel 4').flatMap((one) => (one.coordinates as number[][][])[0] ?? []);
  for (const vertex of ring) expect(halves).toContainEqual(vertex);
  await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await named(page, 'Parcel 4')).coordinates).toEqual(parcel.coordinates);
});

test('a line: a vertex is added, moved, deleted; it is split at a vertex and merged again', async ({ page }) => {
  const before = await features(page);
  await page.keyboard.press('Control+l');
  for (const [x, y] of [[0.6, 0.16], [0.68, 0.24], [0.72, 0.14]] as const) await clickMap(page, x, y);
  await page.keyboard.press('Enter');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  const line = async (): Promise<number[][]> => fresh(before, await features(page))[0]?.coordinates as number[][];
  const [first = [], second = [], third = []] = await line();
  // An edge, dragged, gets a vertex.
  const between = await placeOf(page, [((first[0] ?? 0) + (second[0] ?? 0)) / 2, ((first[1] ?? 0) + (second[1] ?? 0)) / 2]);
  await drag(page, between, { x: between.x + 6, y: between.y + 34 });
  await expect.poll(async () => (await line()).length).toBe(4);
  expect((await line()).filter((vertex) => [first, second, third].some((known) => String(known) === String(vertex)))).toHaveLength(3);
  const added = (await line())[1] ?? [];
  const spot = await placeOf(page, added);
  await page.mouse.click(spot.x, spot.y, { button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete this vertex' }).click();
  await expect.poll(line).toEqual([first, second, third]);
  const corner = await placeOf(page, second);
  await page.mouse.click(corner.x, corner.y, { button: 'right' });
  await page.getByRole('menuitem', { name: 'Split the line here' }).click();
  await expect.poll(async () => fresh(before, await features(page)).map((one) => one.coordinates)).toEqual([[first, second], [second, third]]);
  // Both, with Shift; lines that meet become one.
  await page.keyboard.press('Escape');
  const halfway = (a: number[], b: number[]): number[] => [((a[0] ?? 0) + (b[0] ?? 0)) / 2, ((a[1] ?? 0) + (b[1] ?? 0)) / 2];
  await clickAt(page, halfway(first, second));
  await page.keyboard.down('Shift');
  await clickAt(page, halfway(second, third));
  await page.keyboard.up('Shift');
  await page.getByRole('button', { name: 'Merge' }).click();
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  expect([[first, second, third], [third, second, first]]).toContainEqual(await line());
});

test('a whole shape is dragged, cloned and put on another layer', async ({ page }) => {
  const before = await features(page);
  const area = await named(page, 'Burnt area');
  await clickFeature(page, 'Burnt area');
  await tool(page, 'Move the whole shape');
  const grip = await placeOf(page, [5.5745, 45.0612]);
  await drag(page, grip, { x: grip.x + 40, y: grip.y + 25 });
  await expect.poll(async () => (await named(page, 'Burnt area')).coordinates).not.toEqual(area.coordinates);
  const [ring = []] = (await named(page, 'Burnt area')).coordinates as number[][][];
  const [old = []] = area.coordinates as number[][][];
  const by = ring.map((vertex, index) => (vertex[0] ?? 0) - (old[index]?.[0] ?? 0));
  for (const step of by) expect(step).toBeCloseTo(by[0] ?? 0, 6);
  await page.getByRole('button', { name: 'Done' }).click();
  await tool(page, 'Copy');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  expect(fresh(before, await features(page))[0]?.coordinates).toEqual([ring]);
  await page.getByLabel('Layer', { exact: true }).selectOption({ label: 'Habitats' });
  await expect.poll(async () => fresh(before, await features(page))[0]?.object.split('/')[0]).toBe('layer-habitats');
});

test('length and area are shown while drawing', async ({ page }) => {
  await page.keyboard.press('Control+p');
  await clickMap(page, 0.62, 0.2);
  await clickMap(page, 0.72, 0.2);
  await clickMap(page, 0.7, 0.3);
  await expect(page.getByRole('status').filter({ hasText: /\d k?m · [\d.,]+ ha/ })).toBeVisible();
});

test('several features get a value, a colour, and are taken back at once', async ({ page }) => {
  await clickFeature(page, 'Fontaine de Garin');
  await clickFeature(page, 'Fontaine du Furon', ['Shift']);
  await expect(page.getByRole('heading', { name: '2 selected' })).toBeVisible();
  await page.getByLabel('Field', { exact: true }).fill('flow');
  await page.getByLabel('Value', { exact: true }).fill('7,5');
  await page.getByRole('button', { name: 'Set for all 2' }).click();
  const flows = (): Promise<unknown[]> => page.evaluate(async () => {
    const found = await window.bivouacMemory?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
    return (found?.features ?? []).map(({ feature }) => feature.properties as Record<string, unknown>).filter((one) => ['Fontaine de Garin', 'Fontaine du Furon'].includes(String(one['name']))).map((one) => one['flow']);
  });
  await expect.poll(flows).toEqual([7.5, 7.5]);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+z');
  await expect.poll(flows).toEqual([4.2, 12.5]);
});

test('uMap’s clicks: Shift adds, Control and Shift opens the layer', async ({ page }) => {
  const spring = await named(page, 'Fontaine du Furon');
  const place = await placeOf(page, spring.coordinates as number[]);
  await page.keyboard.down('Control');
  await page.keyboard.down('Shift');
  await page.mouse.click(place.x, place.y - 12);
  await page.keyboard.up('Shift');
  await page.keyboard.up('Control');
  await expect(page.getByRole('heading', { name: 'Springs and troughs' })).toBeVisible();
});
