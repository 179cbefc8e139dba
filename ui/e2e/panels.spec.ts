// What the panels do: fields, styles, settings, and what others did meanwhile.

import { expect, test } from '@playwright/test';

import { clickFeature, features, openSurvey, settled, start } from './screen';

test.beforeEach(async ({ page }) => {
  await start(page);
  await openSurvey(page);
});

test('each type of field is typed as what it is', async ({ page }) => {
  await clickFeature(page, 'Fontaine du Furon');
  await page.getByRole('button', { name: 'Add a field' }).click();
  await page.getByLabel('Field', { exact: true }).fill('grade');
  await page.getByLabel('Type', { exact: true }).selectOption('Enum');
  await page.getByLabel('Choices, with commas between').fill('good, fair; bad');
  await page.getByRole('button', { name: 'Add a field' }).click();
  await page.getByLabel('grade', { exact: true }).selectOption('fair');
  await page.getByLabel('flow', { exact: true }).fill('3,25');
  await page.getByLabel('flow', { exact: true }).press('Enter');
  await page.getByLabel('potable', { exact: true }).selectOption('false');
  await page.getByLabel('visited', { exact: true }).fill('2026-06-11');
  await page.getByLabel('visited', { exact: true }).press('Enter');
  await page.getByLabel('state', { exact: true }).selectOption('dry');
  await page.getByLabel('remarks', { exact: true }).fill('two lines\nof text');
  await page.getByLabel('remarks', { exact: true }).blur();
  await expect(page.getByText('Not yet on this laptop')).toBeHidden();
  const spring = await page.evaluate(async () => {
    const found = await window.bivouacMemory?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
    return found?.features.map(({ feature }) => feature.properties as Record<string, unknown>).find((one) => one['name'] === 'Fontaine du Furon');
  });
  expect(spring).toMatchObject({ grade: 'fair', flow: 3.25, potable: false, visited: '2026-06-11', state: 'dry', remarks: 'two lines\nof text' });
});

test('a style is set, shown as its own, and cleared to what is inherited', async ({ page }) => {
  await clickFeature(page, 'Fontaine du Furon');
  await page.getByRole('tab', { name: 'Style' }).click();
  const shape = page.getByLabel('Icon shape', { exact: true });
  await expect(shape.locator('option').first()).toHaveText('Inherited: Drop');
  await shape.selectOption({ label: 'Ball' });
  await page.getByRole('button', { name: 'Use inherited: Icon shape' }).click();
  await expect(shape).toHaveValue('0');
  const label = page.getByLabel('Label', { exact: true });
  await label.selectOption({ label: 'Under the pointer' });
  await expect.poll(() => page.evaluate(async () => {
    const found = await window.bivouacMemory?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
    return found?.features.map(({ feature }) => feature.properties as Record<string, unknown>).find((one) => one['name'] === 'Fontaine du Furon')?.['_umap_options'];
  })).toEqual({ showLabel: null });
  await settled(page);
  await page.keyboard.press('Escape');
  const place = await page.evaluate(() => window.bivouacPixel?.(5.5583, 45.0849) ?? []);
  await page.mouse.move(place[0] ?? 0, (place[1] ?? 0) - 12);
  await expect(page.locator('.hover-label')).toHaveText('Fontaine du Furon');
});

test('the map’s own style, fields and background are set for everybody', async ({ page }) => {
  await page.getByRole('button', { name: 'Map settings' }).click();
  await page.getByLabel('Address of its tiles').fill('ftp://nowhere');
  await page.getByLabel('Address of its tiles').press('Enter');
  await expect(page.getByRole('alert')).toContainText('This address needs');
  await page.getByLabel('Address of its tiles').fill('https://tiles.example.org/relief/{z}/{x}/{y}.png');
  await page.getByLabel('Address of its tiles').press('Enter');
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(page.getByText('The owner and the editors may edit.')).toBeVisible();
  await page.getByRole('tab', { name: 'Fields' }).click();
  await page.getByRole('button', { name: 'Add a field' }).click();
  await page.getByLabel('Field', { exact: true }).fill('walker');
  await page.getByRole('button', { name: 'Add a field' }).click();
  await expect(page.getByText('walker', { exact: true })).toBeVisible();
  await page.getByRole('tab', { name: 'Default style' }).click();
  await page.getByLabel('Colour', { exact: true }).fill('Crimson');
  await page.getByLabel('Colour', { exact: true }).press('Enter');
  await expect.poll(() => page.evaluate(async () => (await window.bivouacMemory?.mapView())?.settings)).toMatchObject({
    color: 'Crimson', fields: [{ key: 'walker', type: 'String' }], tilelayer: { url_template: 'https://tiles.example.org/relief/{z}/{x}/{y}.png', attribution: '© example.org' },
  });
  for (let step = 0; step < 3; step += 1) {
    await page.locator('.stage').focus();
    await page.keyboard.press('Control+z');
    await settled(page);
  }
  await expect.poll(() => page.evaluate(async () => (await window.bivouacMemory?.mapView())?.settings['color'])).toBeUndefined();
});

test('the caption says what the map is about and what its colours mean', async ({ page }) => {
  await page.getByRole('button', { name: 'Caption' }).click();
  const panel = page.getByRole('complementary', { name: 'Caption' });
  await expect(panel.getByText('Quatre Montagnes').first()).toBeVisible();
  await expect(panel.getByText('Beech wood')).toBeVisible();
  await expect(panel.getByText('Licence: ODbL 1.0')).toBeVisible();
});

test('a group is made, a layer put into it, and hidden with it', async ({ page }) => {
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Water');
  await page.getByLabel('Name', { exact: true }).press('Enter');
  await page.getByRole('button', { name: /^Springs and troughs/ }).click();
  await page.getByLabel('Group', { exact: true }).selectOption({ label: 'Water' });
  await page.getByLabel('Drawn as').selectOption('Cluster');
  await expect.poll(() => page.evaluate(async () => {
    const layers = (await window.bivouacMemory?.mapView())?.layers ?? [];
    const spring = layers.find((layer) => layer.id === 'layer-water');
    return [layers.find((layer) => layer.id === spring?.parent)?.name, spring?.kind, spring?.depth];
  })).toEqual(['Water', 'Cluster', 1]);
});

test('undoing leaves what somebody else changed meanwhile, and says so', async ({ page }) => {
  const spring = (await features(page)).find((one) => one.name === 'Fontaine du Furon')?.object ?? '';
  await clickFeature(page, 'Fontaine du Furon');
  await page.getByLabel('flow', { exact: true }).fill('20');
  await page.getByLabel('flow', { exact: true }).press('Enter');
  await expect(page.getByText('Not yet on this laptop')).toBeHidden();
  await page.evaluate((object) => window.bivouacMemory?.peerSet(object, 'flow', 31, 'Ange'), spring);
  await expect(page.getByLabel('flow', { exact: true })).toHaveValue('31');
  await page.locator('.stage').focus();
  await page.keyboard.press('Control+z');
  await expect(page.getByText('flow was left as it is: Ange changed it meanwhile.')).toBeVisible();
  await expect(page.getByLabel('flow', { exact: true })).toHaveValue('31');
});

test('what others deleted while it was edited here is a list of its own', async ({ page }) => {
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Deleted by others/ }).click();
  await expect(page.getByRole('heading', { name: 'Deleted by others' })).toBeVisible();
  await expect(page.getByText('Fallen beech across the path')).toBeVisible();
  await page.getByRole('button', { name: 'Bring it back' }).click();
  await expect(page.getByText('Nothing was lost')).toBeVisible();
});

test('proposals are approved and rejected; who left something unsaved is named', async ({ page }) => {
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Proposals/ }).click();
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(page.getByRole('button', { name: 'Approve' })).toHaveCount(0);
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Others here/ }).click();
  await expect(page.getByText('Michèle')).toBeVisible();
  await page.getByTestId('chip').click();
  await page.getByRole('button', { name: /Log/ }).click();
  await expect(page.getByRole('listitem').filter({ hasText: /./ }).first()).toBeVisible();
});

test('a conflict is decided without a mouse', async ({ page }) => {
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let step = 0; step < 60; step += 1) {
      const text = await page.evaluate(() => { const on = document.activeElement; return `${on?.getAttribute('aria-label') ?? ''} ${on?.textContent ?? ''}`.trim(); });
      if (name.test(text)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`never came to ${String(name)}`);
  };
  await page.locator('.stage').focus();
  for (let step = 0; step < 4 && !(await page.evaluate(() => document.activeElement?.closest('header') !== null)); step += 1) await page.keyboard.press('F6');
  await tabTo(/Offline, 3 to send/);
  await page.keyboard.press('Enter');
  await tabTo(/^Decisions/);
  await page.keyboard.press('Enter');
  for (let step = 0; step < 4 && !(await page.evaluate(() => document.activeElement?.closest('aside[aria-labelledby]') !== null)); step += 1) await page.keyboard.press('F6');
  await tabTo(/^Keep theirs/);
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^Decided/)).toBeVisible();
  const [spring] = (await features(page)).filter((one) => one.name === 'Source de la Moucherolle');
  expect(await page.evaluate(async (object) => (await window.bivouacMemory?.feature(object))?.properties['flow'], spring?.object ?? '')).toBe(0.4);
});
