import { expect, test } from '@playwright/test';

import { at, clickFeature, clickMap, features, fresh, openSurvey, placeOf, settled, start } from './screen';

test('a map is taken offline, with an error explained, progress and a way to stop', async ({ page }) => {
  await start(page, { empty: true, step: 120 });
  await page.getByRole('button', { name: /Take a map offline/ }).click();
  const address = page.getByLabel('Web address of the map');
  await expect(address).toBeFocused();
  await address.fill('somewhere');
  await page.getByRole('button', { name: 'Take offline', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('This is not the address of a uMap map');
  await address.fill('https://umap.example.org/en/map/unreachable_1');
  await page.getByRole('button', { name: 'Take offline', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('nothing is lost');
  await address.fill('https://umap.example.org/en/map/private_1');
  await page.getByRole('button', { name: 'Take offline', exact: true }).click();
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible();
  await page.getByRole('textbox', { name: 'User name' }).fill('camille');
  await page.getByLabel('Password', { exact: true }).fill('secret');
  await page.getByRole('button', { name: 'Take offline', exact: true }).click();
  await expect(page.getByText(/\d+ of 12 read/)).toBeVisible();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByText(/\d+ of 12 read/)).toBeHidden();
  await page.getByRole('button', { name: 'Take offline', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Taken offline' })).toBeVisible({ timeout: 15_000 });
});

test('the sample opens from an empty library, and a map is made without a network', async ({ page }) => {
  await start(page, { empty: true });
  await page.getByRole('button', { name: /Sample map/ }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Sample');
  await page.getByRole('button', { name: 'Back to the library' }).click();
  await page.getByRole('button', { name: 'New map' }).click();
  await page.getByLabel('Name of the map').fill('Ridge walk');
  await page.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByText('Nothing here yet')).toBeVisible();
  await page.keyboard.press('Control+m');
  await clickMap(page, 0.5, 0.5);
  await page.keyboard.type('Col');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('chip')).toHaveText('On this laptop only');
  await expect.poll(async () => (await features(page)).map((one) => one.name)).toEqual(['Col']);
});

test('removing a map names what would be lost and asks twice', async ({ page }) => {
  await start(page);
  await page.getByRole('button', { name: 'Remove Vercors field survey from this laptop' }).click();
  await expect(page.getByText('5 edits are not on the server')).toBeVisible();
  const remove = page.getByRole('dialog').getByRole('button', { name: 'Remove from this laptop' });
  await expect(remove).toBeDisabled();
  await page.getByLabel('Yes, throw them away').check();
  await remove.click();
  await expect(page.getByRole('button', { name: /^Vercors/ })).toHaveCount(0);
});

test('going online: the chip goes through its states, the list empties, the others are named', async ({ page }) => {
  await start(page, { step: 350 });
  await openSurvey(page);
  const chip = page.getByTestId('chip');
  await expect(chip).toHaveText('Offline, 3 to send');
  await chip.click();
  await page.getByRole('switch', { name: /Work offline/ }).click();
  await expect(chip).toHaveText(/Syncing \d of 5/);
  await expect(chip).toHaveText('4 decisions wait', { timeout: 10_000 });
  await expect(page.locator('.touch-mark')).toHaveText('Ange edits here');
  await page.getByRole('button', { name: 'Not on the server yet' }).click();
  await expect(page.getByText('Everything is on the server')).toBeVisible();
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Others here/ }).click();
  await expect(page.getByText('Ange', { exact: true })).toBeVisible();
  await expect(page.getByText('Anonymous')).toBeVisible();
});

test('conflicts are decided one by one, both shapes on the map', async ({ page }) => {
  await start(page);
  await openSurvey(page);
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Decisions/ }).click();
  await expect(page.getByText('0.4')).toBeVisible();
  await page.getByRole('button', { name: 'Keep theirs' }).click();
  await expect(page.getByText('Their shape (dashed)')).toBeVisible();
  await page.getByRole('button', { name: 'Use mine' }).click();
  await expect(page.getByText('Nothing to decide')).toBeVisible();
});

test('what happened to a feature is listed and taken back', async ({ page }) => {
  await start(page);
  await openSurvey(page);
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Not on the server yet/ }).click();
  await page.getByRole('button', { name: /Fontaine de Garin/ }).click();
  await page.getByRole('button', { name: 'Close' }).first().click();
  await clickFeature(page, 'Fontaine de Garin');
  await page.getByRole('tab', { name: 'History' }).click();
  await expect(page.getByText('Changed: flow')).toBeVisible();
  await page.locator('li', { hasText: 'Changed: flow' }).getByRole('button', { name: 'Take back' }).click();
  await page.getByRole('tab', { name: 'Data' }).click();
  await expect(page.getByLabel('flow')).toHaveValue('3.8');
});

test('layers are made, renamed, moved by keyboard and deleted with undo', async ({ page }) => {
  await start(page);
  await openSurvey(page);
  const names = (): Promise<string[]> => page.locator('[data-layer] .text').allTextContents();
  await page.getByRole('button', { name: 'Layer', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Nests');
  await page.keyboard.press('Enter');
  await expect.poll(names).toContain('Nests');
  await page.getByRole('button', { name: 'Move Nests' }).focus();
  const before = (await names()).indexOf('Nests');
  await page.keyboard.press('ArrowUp');
  await expect.poll(async () => (await names()).indexOf('Nests')).toBe(before - 1);
  const all = (await features(page)).length;
  await page.getByRole('button', { name: /^Veteran trees/ }).click();
  await page.getByRole('button', { name: 'Delete this layer' }).click();
  await expect.poll(async () => (await features(page)).length).toBe(all - 260);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await features(page)).length).toBe(all);
});

test('hiding a layer takes it from the map', async ({ page }) => {
  await start(page);
  await openSurvey(page);
  const [stone] = (await features(page)).filter((one) => one.name === 'Fontaine du Furon');
  const place = await placeOf(page, stone?.coordinates as number[]);
  await page.getByRole('button', { name: 'Hide Springs and troughs' }).click();
  await settled(page);
  await page.mouse.click(place.x, place.y - 14);
  await settled(page);
  await expect(page.getByRole('heading', { name: 'Fontaine du Furon' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Show Springs and troughs' }).click();
  await settled(page);
  await page.mouse.click(place.x, place.y - 14);
  await expect(page.getByRole('heading', { name: 'Fontaine du Furon' })).toBeVisible();
});

test('the language changes everything at once and stays chosen', async ({ page }) => {
  await start(page);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('button', { name: 'Français' }).click();
  await expect(page.getByRole('heading', { name: /Sur cet ordinateur/ })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: /Sur cet ordinateur/ })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
});

test('coordinates are typed in degrees, minutes and seconds', async ({ page }) => {
  await start(page);
  await openSurvey(page);
  const before = await features(page);
  await page.keyboard.press('Control+m');
  await clickMap(page, 0.72, 0.3);
  await page.getByLabel('Coordinates (latitude, longitude)').fill('45°04\'06"N 5°33\'00"E');
  await page.keyboard.press('Enter');
  await expect.poll(async () => fresh(before, await features(page))[0]?.coordinates).toEqual([5.55, 45.0683333]);
});

test('hostile text runs nothing and asks for nothing', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => { if (!request.url().startsWith('http://127.0.0.1')) asked.push(request.url()); });
  let hits = 0;
  await page.exposeFunction('hit', () => { hits += 1; });
  // What comes after an open svg is part of it, so it stands last.
  const evil = '<img src=x onerror=hit()><script>hit()</script><a href="javascript:hit()">x</a> [[javascript:hit()|click]] {{https://evil.example/a.png}} {{{https://evil.example/frame}}}<iframe src="https://evil.example/f"></iframe><style>*{background:url(https://evil.example/s)}</style><svg onload=hit()>';
  // The sink works: an unprotected page is hit.
  await page.goto('/?empty');
  await page.evaluate((html) => { const box = document.createElement('div'); box.innerHTML = html; document.body.append(box); }, '<img src="data:," onerror="hit()">');
  await expect.poll(() => hits).toBe(1);
  hits = 0;
  await start(page);
  await openSurvey(page);
  await page.evaluate(async (text) => {
    const backend = window.bivouacMemory;
    const found = await backend?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
    const spring = found?.features.find((one) => (one.feature.properties as Record<string, unknown>)['name'] === 'Fontaine du Furon');
    if (spring === undefined || backend === undefined) throw new Error('no spring');
    await backend.edit('x', ['name', 'description', 'state', 'remarks'].map((key) => ({ do: 'set' as const, feature: spring.object, key, value: text })));
    await backend.edit('x', [{ do: 'layer-set', layer: 'layer-water', key: 'name', value: text }, { do: 'map-set', key: 'name', value: text }, { do: 'map-set', key: 'description', value: text }]);
  }, evil);
  const place = await placeOf(page, [5.5583, 45.0849]);
  await page.mouse.click(place.x, place.y - 14);
  await expect(page.getByText('Picture at evil.example')).toBeVisible();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Map settings' }).click();
  await settled(page);
  expect(await page.locator('iframe, .rich img, .rich script, .rich style, a[href^="javascript"]').count()).toBe(0);
  expect(hits).toBe(0);
  expect(asked).toEqual([]);
});

test('a line is continued at its beginning and keeps its numbers', async ({ page }) => {
  await start(page);
  await openSurvey(page);
  const before = await features(page);
  await page.keyboard.press('Control+l');
  for (const [x, y] of [[0.62, 0.1], [0.7, 0.14], [0.78, 0.1]] as const) await clickMap(page, x, y);
  await page.getByRole('button', { name: 'Finish' }).click();
  await expect.poll(async () => fresh(before, await features(page)).length).toBe(1);
  const [line] = fresh(before, await features(page)) as { object: string; coordinates: number[][] }[];
  const [lon = 0, lat = 0] = line?.coordinates[0] ?? [];
  await settled(page);
  const end = await placeOf(page, [lon, lat]);
  await page.keyboard.down('Control');
  await page.mouse.click(end.x, end.y);
  await page.keyboard.up('Control');
  await settled(page);
  const place = await at(page, 0.4, 0.3);
  await page.mouse.click(place.x, place.y);
  await settled(page);
  await page.getByRole('button', { name: 'Finish' }).click();
  await settled(page);
  const after = (await features(page)).find((one) => one.object === line?.object) as { coordinates: number[][] };
  expect(after.coordinates).toHaveLength(4);
  expect(after.coordinates.slice(1)).toEqual(line?.coordinates);
});
