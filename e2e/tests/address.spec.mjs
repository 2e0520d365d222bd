// Addresses: links are followed without loading, back and forward work, every address can be opened directly.
import { test, expect, connection, remoteMachines } from '../support/fixtures.mjs';

const view = (page, name) => page.getByRole('link', { name, exact: true }).filter({ visible: true });
const peersPage = (page) => page.getByRole('heading', { name: 'This tab' });
const shownMachine = (page) => page.locator('.machine-view').getByRole('heading', { level: 1 });

/** Counts documents loaded from here on. */
function loads(page) {
  let count = 0;
  page.on('domcontentloaded', () => (count += 1));
  return () => count;
}

test('links, back and forward change the view and never load the page again', async ({ page, demoRelay }) => {
  await page.goto(demoRelay.url);
  const row = remoteMachines(page, demoRelay).first();
  await expect(row).toBeVisible();
  const loaded = loads(page);
  const link = await row.getAttribute('href');

  await row.click();
  await expect(page).toHaveURL(new URL(link, demoRelay.url).href);
  await expect(shownMachine(page)).toBeVisible();
  await expect(view(page, 'Machines').first()).toHaveAttribute('aria-current', 'page');
  await view(page, 'Peers').first().click();
  await expect(page).toHaveURL(`${demoRelay.url}peers`);
  await expect(peersPage(page)).toBeVisible();
  await expect(view(page, 'Machines').first()).not.toHaveAttribute('aria-current', 'page');

  await page.goBack();
  await expect(page).toHaveURL(new URL(link, demoRelay.url).href);
  await expect(shownMachine(page)).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(demoRelay.url);
  await expect(row).toBeVisible();
  await page.goForward();
  await page.goForward();
  await expect(peersPage(page)).toBeVisible();
  expect(loaded()).toBe(0);
});

test('a link to the address shown leaves no second entry in the history', async ({ page, demoRelay }) => {
  await page.goto(demoRelay.url);
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible();
  await view(page, 'Peers').first().click();
  await expect(peersPage(page)).toBeVisible();
  const before = await page.evaluate(() => history.length);
  await view(page, 'Peers').first().click();
  expect(await page.evaluate(() => history.length)).toBe(before);
});

test('a machine’s address opens that machine, here and by hand in the same tab', async ({ page, demoRelay }) => {
  await page.goto(demoRelay.url);
  const rows = remoteMachines(page, demoRelay);
  await expect(rows.nth(1)).toBeVisible();
  const machines = [];
  for (const row of [rows.nth(0), rows.nth(1)]) {
    const id = await row.getAttribute('data-machine');
    machines.push({ name: id.slice(id.indexOf('/') + 1), href: await row.getAttribute('href') });
  }
  for (const { name, href } of machines) {
    await page.goto(new URL(href, demoRelay.url).href);
    await expect(shownMachine(page)).toHaveText(name);
  }
  await page.goBack();
  await expect(shownMachine(page)).toHaveText(machines[0].name);
});

test('links with a modifier are the browser’s', async ({ page, context, demoRelay }) => {
  await page.goto(demoRelay.url);
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible();
  const opened = context.waitForEvent('page');
  await view(page, 'Peers').first().click({ modifiers: ['ControlOrMeta'] });
  await expect(await opened).toHaveURL(`${demoRelay.url}peers`);
  await expect(page).toHaveURL(demoRelay.url);
});

test('an address that names no view says so and leads on', async ({ page, demoRelay }) => {
  await page.goto(`${demoRelay.url}nothing/here`);
  await expect(page.getByRole('heading', { name: 'No such page' })).toBeVisible();
  await expect(connection(page, 'live')).toBeVisible();
  await page.locator('main').getByRole('link', { name: 'Machines' }).click();
  await expect(page).toHaveURL(`${demoRelay.url}m`);
  await expect(shownMachine(page)).toBeVisible();
});
