import { expect, test } from '@playwright/test';

import { at, clickFeature, clickMap, drag, features, fresh, middleOf, openSurvey, placeOf, settled, start } from './screen';

test.beforeEach(async ({ page }) => {
  await start(page);
  await openSurvey(page);
});

test('a point is drawn, named and undone', async ({ page }) => {
  const before = await features(page);
  await page.keyboard.press('Control+m');
  await clickMap(page, 0.72, 0.3);
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused();
  await page.keyboard.type('New spring');
  await expect(page.getByText('Not yet on this laptop')).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Not yet on this laptop')).toBeHidden();
  const [made] = fresh(before, await features(page));
  expect(made).toMatchObject({ type: 'Point', name: 'New spring' });
  await expect(page.getByTestId('chip')).toHaveText('Offline, 5 to send');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await features(page)).find((one) => one.object === made?.object)?.name).toBeUndefined();
  await page.keyboard.press('Control+z');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(0);
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
});

test('a line and an area are drawn; new coordinates have at most 7 decimals', async ({ page }) => {
  const before = await features(page);
  await page.keyboard.press('Control+l');
  await clickMap(page, 0.62, 0.1);
  await clickMap(page, 0.7, 0.14);
  await clickMap(page, 0.78, 0.1);
  await page.getByRole('button', { name: 'Finish' }).click();
  await expect(page.getByText('Length')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+p');
  await clickMap(page, 0.62, 0.18);
  await clickMap(page, 0.7, 0.18);
  await clickMap(page, 0.66, 0.26);
  await clickMap(page, 0.66, 0.26, { double: true });
  await expect(page.getByText('Area', { exact: true })).toBeVisible();
  const made = fresh(before, await features(page));
  expect(made.map((one) => one.type).sort()).toEqual(['LineString', 'Polygon']);
  for (const value of JSON.stringify(made.map((one) => one.coordinates)).match(/\d+\.\d+/g) ?? []) expect(value.split('.')[1]?.length).toBeLessThanOrEqual(7);
});

test('a vertex of an area is dragged; every other number stays', async ({ page }) => {
  const parcel = (await features(page)).find((one) => one.name === 'Parcel 2') as { object: string; coordinates: number[][][] };
  const place = await placeOf(page, parcel.coordinates[0]?.[3] ?? []);
  const inside = await placeOf(page, middleOf(parcel.coordinates[0] ?? []));
  await page.mouse.click(inside.x, inside.y);
  await expect(page.getByRole('heading', { name: 'Parcel 2' })).toBeVisible();
  const moved = await placeOf(page, parcel.coordinates[0]?.[3] ?? []);
  expect(moved.y).toBeCloseTo(place.y, -1);
  await drag(page, moved, { x: moved.x - 12, y: moved.y - 15 });
  await settled(page);
  const after = (await features(page)).find((one) => one.object === parcel.object) as { coordinates: number[][][] };
  const changed = (after.coordinates[0] ?? []).map((vertex, index) => String(vertex) !== String(parcel.coordinates[0]?.[index]));
  expect(changed.filter(Boolean)).toHaveLength(1);
  expect(changed[3]).toBe(true);
});

test('several features are selected in a box, moved to another layer and deleted with one undo', async ({ page }) => {
  await page.getByRole('button', { name: 'Select in a box' }).click();
  await drag(page, await at(page, 0.3, 0.08), await at(page, 0.52, 0.32));
  await expect(page.getByRole('heading', { name: /\d+ selected/ })).toBeVisible();
  const before = (await features(page)).length;
  await page.keyboard.press('Delete');
  await expect.poll(async () => (await features(page)).length).toBeLessThan(before - 5);
  await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await features(page)).length).toBe(before);
});

test('a full disk keeps the typed text and says so', async ({ page }) => {
  await page.keyboard.press('Control+m');
  await clickMap(page, 0.72, 0.3);
  await page.evaluate(() => { if (window.bivouacMemory) window.bivouacMemory.failNext = 'io'; });
  await page.keyboard.type('Walked for hours');
  await page.keyboard.press('Enter');
  await expect(page.getByText(/Not saved on this laptop/)).toBeVisible();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Walked for hours');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText(/Not saved on this laptop/)).toBeHidden();
  expect((await features(page)).some((one) => one.name === 'Walked for hours')).toBe(true);
});

test('an area is drawn and edited without a mouse', async ({ page }) => {
  const before = await features(page);
  await page.locator('.stage').focus();
  await page.keyboard.press('Control+p');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowRight');
  await settled(page);
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await settled(page);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+Enter');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  const drawn = (fresh(before, await features(page)) as { object: string; coordinates: number[][][] }[])[0];
  expect(drawn?.coordinates[0]).toHaveLength(4);
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await page.locator('.stage').focus();
  await page.keyboard.press('v');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowLeft');
  await settled(page);
  await page.keyboard.press('Enter');
  await settled(page);
  const edited = (await features(page)).find((one) => one.object === drawn?.object) as { coordinates: number[][][]; name: string };
  expect(edited.name).toBe('By keyboard');
  expect(edited.coordinates[0]?.[0]).not.toEqual(drawn?.coordinates[0]?.[0]);
  expect(edited.coordinates[0]?.[1]).toEqual(drawn?.coordinates[0]?.[1]);
  expect(edited.coordinates[0]?.at(-1)).toEqual(edited.coordinates[0]?.[0]);
});

test('a new vertex snaps to a stored one and takes its numbers', async ({ page }) => {
  const stone = (await features(page)).find((one) => one.name === 'Stone 1') as { coordinates: number[] };
  const before = await features(page);
  await page.keyboard.press('Control+l');
  await settled(page);
  const place = await placeOf(page, stone.coordinates);
  await page.mouse.move(place.x + 4, place.y + 3);
  await page.mouse.click(place.x + 4, place.y + 3);
  await settled(page);
  // Beside the question about tiles at the bottom.
  await clickMap(page, 0.08, 0.8);
  await page.getByRole('button', { name: 'Finish' }).click();
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  const line = (fresh(before, await features(page)) as { coordinates: number[][] }[])[0];
  expect(line?.coordinates[0]).toEqual(stone.coordinates);
});

test('Enter ends what was drawn with the mouse, and only then', async ({ page }) => {
  const before = await features(page);
  await page.keyboard.press('Control+l');
  await clickMap(page, 0.62, 0.1);
  await page.keyboard.press('Enter');
  await expect(page.getByText('A few more points are needed')).toBeVisible();
  await clickMap(page, 0.7, 0.14);
  await page.keyboard.press('Enter');
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  const [line] = fresh(before, await features(page)) as { coordinates: number[][] }[];
  expect(line?.coordinates).toHaveLength(2);
  await expect(page.locator('.crosshair')).toHaveCount(0);
});

test('a new feature goes to the layer that was worked in last', async ({ page }) => {
  const layerOf = (one: { object: string } | undefined): string => (one?.object ?? '').split('/')[0] ?? '';
  await clickFeature(page, 'Gate');
  await page.getByLabel('Name', { exact: true }).fill('Old gate');
  await page.keyboard.press('Enter');
  let before = await features(page);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+m');
  await clickMap(page, 0.9, 0.9);
  await expect.poll(async () => layerOf(fresh(before, await features(page))[0])).toBe('layer-notes');
  // Chosen while drawing, and still so after the window was closed.
  before = await features(page);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+m');
  await page.getByLabel('into').selectOption({ label: 'Paths' });
  await page.keyboard.press('Escape');
  await page.reload();
  await openSurvey(page);
  before = await features(page);
  await page.keyboard.press('Control+m');
  await clickMap(page, 0.9, 0.9);
  await expect.poll(async () => layerOf(fresh(before, await features(page))[0])).toBe('layer-trails');
});

test('a panel that opens leaves the map under the hand, and a map that shows everything goes on doing so', async ({ page }) => {
  const everything = async (): Promise<boolean> => {
    const box = await page.locator('.stage').boundingBox();
    const places = await Promise.all([[5.511, 45.046], [5.616, 45.104]].map((corner) => placeOf(page, corner)));
    return box !== null && places.every(({ x, y }) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height);
  };
  expect(await everything()).toBe(true);
  await page.getByRole('button', { name: 'Map settings' }).click();
  expect(await everything()).toBe(true);
  await page.getByRole('button', { name: 'Close' }).click();
  const [gate] = (await features(page)).filter((one) => one.name === 'Gate');
  const before = await placeOf(page, gate?.coordinates as number[]);
  await page.mouse.click(before.x, before.y);
  await expect(page.getByRole('heading', { name: 'Gate' })).toBeVisible();
  const after = await placeOf(page, gate?.coordinates as number[]);
  expect(Math.hypot(after.x - before.x, after.y - before.y)).toBeLessThan(1.5);
  await page.keyboard.press('Escape');
  // One that the panel would cover comes into sight.
  await clickFeature(page, 'Cabane de Carrette');
  await expect(page.getByRole('heading', { name: 'Cabane de Carrette' })).toBeVisible();
  const hut = (await features(page)).find((one) => one.name === 'Cabane de Carrette');
  const place = await placeOf(page, hut?.coordinates as number[]);
  const box = await page.locator('.stage').boundingBox();
  expect(place.x).toBeLessThan((box?.x ?? 0) + (box?.width ?? 0) - 30);
});
