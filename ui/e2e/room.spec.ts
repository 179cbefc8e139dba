// Long names and large letters: nothing runs over its edge, nothing is cut off that cannot be scrolled to.

import { expect, test } from '@playwright/test';
import type { Page } from '@playwright/test';

import { nothingSerious } from './axe';
import { clickFeature, openSurvey, settled, start } from './screen';

const LONG = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft und die sehr lange Beobachtung am oberen Weiher hinter dem alten Forsthaus';

/** Elements with text that reach beyond the window, or whose text is wider than they are and is not cut on purpose. */
async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const wrong: string[] = [];
    if (document.documentElement.scrollWidth > window.innerWidth) wrong.push('the page scrolls sideways');
    for (const element of document.querySelectorAll<HTMLElement>('#app *, dialog *')) {
      const box = element.getBoundingClientRect();
      const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? '').trim() !== '');
      if (!own || box.width < 2 || box.height < 2 || element.closest('.visually-hidden, .ol-viewport, option') !== null) continue;
      const say = (what: string): void => void wrong.push(`${what}: ${element.tagName.toLowerCase()}.${element.className} "${(element.textContent ?? '').trim().slice(0, 50)}"`);
      if (box.right > window.innerWidth + 1 || box.left < -1) say('beyond the window');
      const style = getComputedStyle(element);
      if (element.scrollWidth > element.clientWidth + 2 && style.display !== 'inline' && style.overflowX === 'visible') say('wider than its box');
      // A button whose words stand out of it.
      const button = element.closest('button');
      if (button !== null && style.overflowX === 'visible' && box.right > button.getBoundingClientRect().right + 2) say('out of its button');
    }
    return [...new Set(wrong)];
  });
}

for (const locale of ['en', 'fr'] as const) {
  for (const size of [100, 200]) {
    test(`long names fit, letters at ${size} %, ${locale}`, async ({ page }) => {
      test.setTimeout(300_000);
      await start(page, { locale });
      const look = async (name: string): Promise<void> => {
        if (await page.locator('.stage').count() > 0) await settled(page);
        await page.screenshot({ path: `e2e/pictures/room-${name}-${size}-${locale}.png` });
        expect.soft(await tooWide(page), name).toEqual([]);
      };
      await page.evaluate((percent) => { document.documentElement.style.fontSize = `${percent}%`; }, size);
      await look('library');
      await openSurvey(page);
      await page.evaluate(async (long) => {
        const backend = window.bivouacMemory;
        const found = await backend?.featuresIn({ west: -180, south: -89, east: 180, north: 89 }, 5000);
        const spring = found?.features.find((one) => (one.feature.properties as Record<string, unknown>)['name'] === 'Fontaine du Furon');
        if (backend === undefined || spring === undefined) throw new Error('no spring');
        await backend.edit('x', [
          { do: 'set', feature: spring.object, key: long.replaceAll('.', ''), value: long }, { do: 'set', feature: spring.object, key: 'description', value: long },
          { do: 'layer-set', layer: 'layer-water', key: 'name', value: long }, { do: 'map-set', key: 'name', value: long },
        ]);
      }, LONG);
      await look('map');
      await clickFeature(page, 'Fontaine du Furon');
      await look('feature');
      await page.getByRole('tab').nth(1).click();
      await look('style');
      await page.getByRole('tab').nth(2).click();
      await look('history');
      await page.keyboard.press('Escape');
      await page.locator('[data-layer="layer-water"] .name').click();
      await look('layer');
      await page.locator('header button[aria-pressed]').nth(2).click();
      await look('settings');
      for (const [at, name] of ['pending', 'decisions', 'recovered', 'proposals', 'peers', 'log'].entries()) {
        await page.getByTestId('chip').click();
        if (at === 0) await look('chip');
        await page.locator('.sheet nav button').nth(at).click();
        await look(name);
      }
      await page.keyboard.press('Control+l');
      await look('drawing');
      await nothingSerious(page);
    });
  }
}
