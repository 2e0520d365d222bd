// Settings: in force at once, kept in this browser, and said in words when they are not.
import { test, expect, machineRow } from '../support/fixtures.mjs';

const FOLLOWED = 15_000;
const KEPT = 'statemesh:settings';
const MESHES = 'statemesh:meshes';

const field = (page, name) => page.getByRole('combobox', { name });
const root = (page) => page.locator('html');
const number = (page, key) => page.locator(`[data-limit="${key}"]`);
const kept = (page) => page.evaluate((key) => localStorage.getItem(key), KEPT);
const problem = (page) => page.locator('p.problem');

/** Hours of the clock in the dock, without the fraction that runs. */
const hours = async (page) => Number((await page.locator('.dock .clock').textContent()).slice(0, 2));

test.describe('in a zone of its own', () => {
  test.use({ timezoneId: 'Asia/Tokyo', colorScheme: 'light' });

  test('D38 settings hold at once and after a reload', async ({ page, demoRelay }) => {
    await page.goto(`${demoRelay.url}settings`);
    await expect(page.locator('.dock .clock')).toBeVisible({ timeout: FOLLOWED });
    const local = await hours(page);
    const background = () => page.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor);
    const light = await background();
    const rowHeight = () => root(page).evaluate((html) => getComputedStyle(html).getPropertyValue('--row'));
    const dense = await rowHeight();

    await field(page, 'Theme').selectOption('dark');
    await field(page, 'Rows').selectOption('roomy');
    await field(page, 'Motion').selectOption('reduced');
    await field(page, 'Time zone').selectOption('utc');
    await field(page, 'Single-key').selectOption('off');
    await field(page, 'History held').selectOption('50');
    await number(page, 'quiet').fill('90');
    await number(page, 'quiet').press('Enter');

    const hold = async () => {
      await expect(root(page)).toHaveAttribute('data-theme', 'dark');
      expect(await background()).not.toBe(light);
      expect((await rowHeight()).trim()).toBe('1.5rem');
      expect(dense.trim()).not.toBe('1.5rem');
      await expect(page.locator('.dot').first()).toHaveCSS('animation-name', 'none');
      // Tokyo is nine hours ahead all year.
      await expect.poll(async () => (local - (await hours(page)) + 24) % 24).toBeGreaterThanOrEqual(8);
      await page.keyboard.press('g');
      await page.keyboard.press('p');
      expect(new URL(page.url()).pathname).toBe('/settings');
      await expect(number(page, 'quiet')).toHaveValue('90');
      await expect(field(page, 'History held')).toHaveValue('50');
    };
    await page.locator('h1').click();
    await hold();
    await page.reload();
    await expect(page.locator('.dock .clock')).toBeVisible({ timeout: FOLLOWED });
    await hold();
    // Beside them only where this browser was: when, how many machines, the page, the mesh.
    const meshes = () => page.evaluate((key) => localStorage.getItem(key), MESHES);
    await expect.poll(meshes, { timeout: FOLLOWED }).toMatch(/^v1\n\d+\t\d+\thttp:\/\/127\.0\.0\.1:\d+\tparcel-eu\n$/);
    const keys = await page.evaluate(() => Object.keys(localStorage).sort());
    expect(keys, 'nothing else is kept').toEqual([MESHES, KEPT]);

    await page.getByRole('button', { name: 'All back to defaults' }).click();
    await expect(root(page)).not.toHaveAttribute('data-theme', /./);
    expect(await background()).toBe(light);
    expect(await kept(page)).toBe('v1');
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/peers');
  });
});

test('D38 thresholds change what machines count as, now and in the past', async ({ page, start }) => {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['Start', 'Ready'], tags: ['host:desk'], active: ['Start', 'Ready'] });
  await page.goto(`${relay.url}settings`);
  await number(page, 'notready').fill('3600');
  await number(page, 'notready').press('Enter');
  await page.getByRole('link', { name: /Overview/ }).first().click();
  const row = machineRow(page, scripted.peer, 'lamp');
  await expect(row).toHaveAttribute('data-health', 'ok', { timeout: FOLLOWED });
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'Ready' });
  await expect(row.locator('.ticks')).toHaveText('3', { timeout: FOLLOWED });
  await page.waitForTimeout(3_000);
  await expect(row).toHaveAttribute('data-health', 'ok');
  await page.keyboard.press('ArrowLeft');
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await expect(row).toHaveAttribute('data-health', 'ok');

  await page.getByRole('link', { name: 'Settings' }).click();
  const reset = page.getByRole('button', { name: 'Back to defaults', exact: true });
  await reset.click();
  await expect(reset).toBeDisabled();
  await expect(number(page, 'notready')).toHaveValue('2');
  await page.getByRole('link', { name: /Overview/ }).first().click();
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await expect(row, 'what is known by now counts').toHaveAttribute('data-health', 'notready');
  await page.keyboard.press('Shift+L');
  await expect(row).toHaveAttribute('data-health', 'notready');
});

test('a number out of range is refused in words', async ({ page, demoRelay }) => {
  await page.goto(`${demoRelay.url}settings`);
  for (const wrong of ['0', '99999', '']) {
    await number(page, 'notready').fill(wrong);
    await number(page, 'notready').press('Tab');
    await expect(page.getByRole('alert').filter({ hasText: 'From 1 to 3600.' })).toBeVisible();
    expect(await kept(page)).toBe(null);
  }
  await number(page, 'notready').fill('5');
  await number(page, 'notready').press('Tab');
  await expect(page.getByRole('alert').filter({ hasText: 'From 1' })).toHaveCount(0);
  expect(await kept(page)).toBe('v1 notready=5');
});

for (const [what, text, sentence] of [
  ['of another version', 'v9 theme=dark', /another version of this page/],
  ['damaged', '{"theme":', /could not be read/],
]) {
  test(`settings that are ${what} are back to their defaults`, async ({ page, demoRelay }) => {
    await page.addInitScript(([key, text]) => localStorage.setItem(key, text), [KEPT, text]);
    await page.goto(`${demoRelay.url}settings`);
    await expect(problem(page)).toHaveText(sentence);
    await expect(field(page, 'Theme')).toHaveValue('system');
    await field(page, 'Rows').selectOption('roomy');
    await expect(problem(page)).toHaveCount(0);
    expect(await kept(page)).toBe('v1 density=roomy');
  });
}

for (const [what, forbid, sentence] of [
  ['full', () => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }, /has no room/],
  ['forbidden', () => Object.defineProperty(globalThis, 'localStorage', { get: () => { throw new DOMException('no', 'SecurityError'); } }), /keeps nothing/],
]) {
  test(`with storage that is ${what} settings hold until the page is closed`, async ({ page, demoRelay }) => {
    await page.addInitScript(forbid);
    await page.goto(`${demoRelay.url}settings`);
    await field(page, 'Theme').selectOption('dark');
    await expect(root(page)).toHaveAttribute('data-theme', 'dark');
    await expect(problem(page)).toHaveText(sentence);
    await expect(page.locator('[data-connection="live"]').first()).toBeVisible({ timeout: FOLLOWED });
  });
}
