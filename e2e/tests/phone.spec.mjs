// By touch on a small screen (D17).
import { test, expect, connection, remoteMachines, sideways, stateInView } from '../support/fixtures.mjs';

/** Smaller targets are missed by fingers. */
const TARGET = 44;

for (const [width, height] of [[360, 780], [390, 844]]) {
  test.describe(`D17 ${width} × ${height}`, () => {
    test.use({ viewport: { width, height }, hasTouch: true, isMobile: true, colorScheme: 'dark' });

    test('every task by touch, nothing sticks out, targets fit a finger', async ({ page, demoRelay }) => {
      await page.goto(demoRelay.url);
      await expect(connection(page, 'live')).toBeVisible();
      const row = remoteMachines(page, demoRelay).first();
      await expect(row).toBeVisible();
      await expectFits(page, 'Overview');
      await row.tap();
      await expect(stateInView(page).first()).toBeVisible();
      await expectFits(page, 'Machine');
      await page.getByRole('link', { name: 'Peers' }).filter({ visible: true }).first().tap();
      await expect(page.getByText(demoRelay.peer.slice(-8)).first()).toBeVisible();
      await expectFits(page, 'Peers');
      const more = page.locator('.more-views summary');
      await more.tap();
      await expectFits(page, 'More');
      await page.getByRole('link', { name: 'Compare' }).tap();
      await expect(page.locator('.compare-sides')).toBeVisible();
      await expect(page.getByRole('link', { name: 'Compare' }), 'a choice closes the menu').toBeHidden();
      await more.tap();
      await page.getByRole('button', { name: 'Search' }).tap();
      await expect(page.getByRole('combobox', { name: 'Search everything' })).toBeFocused();
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Overview' }).filter({ visible: true }).first().tap();
      await expect(remoteMachines(page, demoRelay).first()).toBeVisible();
      const cut = await page.locator('.top bdi, .top .pill b').evaluateAll((words) => words.filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent));
      expect(cut, 'the name of the mesh and its connection are read in full').toEqual([]);
      await page.goto(`${demoRelay.url}join`);
      await expect(page.getByRole('textbox')).toBeVisible();
      await expectFits(page, 'Join');
    });
  });
}

async function expectFits(page, view) {
  expect(await sideways(page), `${view} sticks out`).toEqual([]);
  const small = await page.evaluate((target) => {
    const reachable = [...document.querySelectorAll('a[href], button, input, select, summary, [role="button"], [role="tab"], [tabindex="0"]')];
    const visible = reachable.filter((element) => element.checkVisibility({ visibilityProperty: true }));
    return visible
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && (box.height < target - 0.5 || box.width < target - 0.5))
      .map(({ element, box }) => `${element.outerHTML.slice(0, 90)} is ${Math.round(box.width)} × ${Math.round(box.height)}`);
  }, TARGET);
  expect(small, `small targets in ${view}`).toEqual([]);
}
