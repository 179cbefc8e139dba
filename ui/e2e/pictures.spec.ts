// Every view in every theme: looked at by axe, and kept as a picture in e2e/pictures.

import { test } from '@playwright/test';
import type { Page } from '@playwright/test';

import { nothingSerious } from './axe';
import { clickFeature, clickMap, openSurvey, settled, start } from './screen';
import type { Theme } from './screen';

async function keep(page: Page, name: string): Promise<void> {
  if (await page.locator('.stage').count() > 0) await settled(page);
  await page.screenshot({ path: `e2e/pictures/${name}.png` });
  await nothingSerious(page);
}

async function menu(page: Page, entry: RegExp): Promise<void> {
  await page.getByTestId('chip').click();
  await page.locator('.sheet nav button').filter({ hasText: entry }).click();
}

for (const theme of ['light', 'dark', 'sunlight'] as Theme[]) {
  for (const locale of theme === 'light' ? (['en', 'fr'] as const) : (['en'] as const)) {
    const tag = `${theme}-${locale}`;
    const names = locale === 'fr'
      ? { take: 'Emporter une carte', account: 'Avec mon compte', pending: /Pas encore/, decisions: /Décisions/, recovered: /Supprimé par/, caption: 'Légende', proposals: /Propositions/, peers: /^Les autres/, log: /Journal/, settings: 'Réglages de la carte', style: 'Style', history: 'Historique' }
      : { take: 'Take a map offline', account: 'With my account', pending: /Not on the server/, decisions: /Decisions/, recovered: /Deleted by/, caption: 'Caption', proposals: /Proposals/, peers: /Others/, log: /Log/, settings: 'Map settings', style: 'Style', history: 'History' };

    test(`the library, ${tag}`, async ({ page }) => {
      await start(page, { theme, locale });
      await keep(page, `library-${tag}`);
      await page.getByRole('button', { name: names.take }).click();
      await page.getByText(names.account).click();
      await keep(page, `take-offline-${tag}`);
      await page.keyboard.press('Escape');
      await page.locator('li', { hasText: 'Vercors' }).getByRole('button').last().click();
      await keep(page, `remove-${tag}`);
    });

    test(`an empty library, ${tag}`, async ({ page }) => {
      await start(page, { theme, locale, empty: true });
      await keep(page, `library-empty-${tag}`);
    });

    test(`the map and its panels, ${tag}`, async ({ page }) => {
      test.setTimeout(300_000);
      await start(page, { theme, locale });
      await openSurvey(page);
      await keep(page, `map-${tag}`);
      await clickFeature(page, 'Fontaine du Furon');
      await keep(page, `feature-${tag}`);
      await page.getByRole('tab', { name: names.style }).click();
      await keep(page, `style-${tag}`);
      await page.getByRole('tab', { name: names.history }).click();
      await keep(page, `history-${tag}`);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: names.settings }).click();
      await keep(page, `settings-${tag}`);
      await page.getByRole('tab').nth(1).click();
      await keep(page, `map-style-${tag}`);
      await page.getByRole('button', { name: names.caption }).click();
      await keep(page, `caption-${tag}`);
      await page.getByRole('button', { name: /^Parcels/ }).click();
      await keep(page, `layer-${tag}`);
      await page.getByTestId('chip').click();
      await keep(page, `chip-${tag}`);
      await page.keyboard.press('Escape');
      for (const [name, entry] of [['pending', names.pending], ['decisions', names.decisions], ['recovered', names.recovered], ['proposals', names.proposals], ['peers', names.peers], ['log', names.log]] as const) {
        await menu(page, entry);
        await keep(page, `${name}-${tag}`);
      }
      await page.keyboard.press('Control+l');
      await clickMap(page, 0.3, 0.35);
      await clickMap(page, 0.5, 0.4);
      await clickMap(page, 0.6, 0.3);
      await keep(page, `drawing-${tag}`);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.locator('.zoom button').last().click();
      await settled(page);
      await clickFeature(page, 'Parcel 4');
      await clickFeature(page, 'Parcel 4', [], 'right');
      await keep(page, `place-menu-${tag}`);
      await page.keyboard.press('Escape');
      await page.keyboard.press('F1');
      await keep(page, `shortcuts-${tag}`);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Menu' }).click();
      await keep(page, `menu-${tag}`);
    });

    test(`an error and a read-only map in a small window, ${tag}`, async ({ page }) => {
      await page.setViewportSize({ width: 1024, height: 700 });
      await start(page, { theme, locale });
      await openSurvey(page);
      await page.evaluate(() => { if (window.bivouacMemory) window.bivouacMemory.failNext = 'io'; });
      await page.keyboard.press('Control+m');
      await clickMap(page, 0.7, 0.2);
      await keep(page, `error-small-${tag}`);
      await page.keyboard.press('Escape');
      await page.locator('header button').first().click();
      await page.getByRole('button', { name: /^Bat roosts/ }).click();
      await keep(page, `read-only-small-${tag}`);
    });
  }
}
