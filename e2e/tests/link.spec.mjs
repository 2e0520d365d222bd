// Links to a moment: what one tab looks at, another finds, and says how.
import { test, expect, machineRow, stateInView } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const dock = (page) => page.locator('.dock');
const found = (page) => page.locator('.dock .found');
const isLive = (page) => expect(dock(page)).toHaveAttribute('data-time', 'live');
const isPaused = (page) => expect(dock(page)).toHaveAttribute('data-time', 'paused');
const shownMachine = (page) => page.locator('.machine-view').getByRole('heading', { level: 1 });
const tick = (page, value) => expect(stateInView(page, 'On')).toHaveAttribute('data-tick', String(value), { timeout: FOLLOWED });

async function lamp(start) {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  return { relay, scripted, toggle: () => scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' }) };
}

/** Opens the machine and sees `ticks` changes of it. */
async function watchLamp(page, { relay, scripted, toggle }, ticks) {
  await page.goto(relay.url);
  await machineRow(page, scripted.peer, 'lamp').click();
  for (let n = 1; n <= ticks; n += 1) {
    toggle();
    await tick(page, n);
  }
}

/** What `c` puts on the clipboard. */
async function copied(page) {
  await page.keyboard.press('c');
  await expect(page.getByText('Link copied')).toBeVisible();
  return page.evaluate(() => navigator.clipboard.readText());
}

test.beforeEach(({ context }) => context.grantPermissions(['clipboard-read', 'clipboard-write']));

test('D27 a copied link shows another tab the same machine, moment, state and window', async ({ page, browser, start }) => {
  const mesh = await lamp(start);
  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(mesh.relay.url);
  await expect(machineRow(other, mesh.scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });
  await watchLamp(page, mesh, 3);
  await expect(machineRow(other, mesh.scripted.peer, 'lamp').locator('.ticks')).toHaveText('3', { timeout: FOLLOWED });

  await page.locator('.dock .options select').selectOption('10 s');
  await stateInView(page, 'On').focus();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await tick(page, 2);
  const link = new URL(await copied(page));
  expect(link.pathname).toBe('/m');
  expect(link.search, 'nothing reaches a server').toBe('');
  expect(link.hash).toMatch(/^#v=1&id=lamp%?4?0?@\w{8}&e=\d+&c=2&a=\d{16}&w=10s&st=On$/);

  // A tab that was here then finds it in its history.
  await other.evaluate((href) => (history.pushState(null, '', '/m'), (location.hash = href)), link.hash);
  await expect(found(other)).toHaveText('Found by machine time t2');
  await isPaused(other);
  await expect(shownMachine(other)).toHaveText('lamp');
  await tick(other, 2);
  await expect(stateInView(other, 'On')).toHaveAttribute('aria-selected', 'true');
  await expect(other.locator('.dock .options select')).toHaveValue('10000');

  // One that comes later says what it has instead.
  const late = await context.newPage();
  await late.goto(link.href);
  const time = String.raw`\d\d:\d\d:\d\d`;
  await expect(found(late)).toHaveText(new RegExp(`^No history for ${time}\\. The oldest here is ${time}\\.$`), { timeout: FOLLOWED });
  await isLive(late);
  await tick(late, 3);
  expect(new URL(late.url()).hash, 'the link stays where it can be tried again').toBe(link.hash);

  // The newest moment is the same for all.
  await page.keyboard.press('ArrowRight');
  await tick(page, 3);
  const newest = await copied(page);
  const latest = await context.newPage();
  await latest.goto(newest);
  await expect(found(latest)).toHaveText('Found by machine time t3', { timeout: FOLLOWED });
  await isPaused(latest);
  await context.close();
});

test('D28 a link older than a tab’s history is found once that is there; else the page says what it has instead', async ({ page, browser, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 2);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await tick(page, 1);
  const link = new URL(await copied(page));
  const context = await browser.newContext();
  const late = await context.newPage();
  await late.goto(link.href);
  const time = String.raw`\d\d:\d\d:\d\d`;
  await expect(found(late)).toHaveText(new RegExp(`^No history for ${time}\\. The oldest here is ${time}\\.$`), { timeout: FOLLOWED });
  await isLive(late);
  const follow = (hash) => late.evaluate((hash) => ((location.hash = ''), (location.hash = hash)), hash);

  // A moment between two changes it has: the one before.
  await expect.poll(() => late.evaluate(() => statemesh.get('lamp').time)).toBe(2);
  const between = new URLSearchParams(link.hash.slice(1));
  await follow(`#v=1&id=${between.get('id')}&e=${between.get('e')}&a=${Date.now() * 1_000}`);
  await expect(found(late)).toHaveText(/^Nearest change, \d+\.\d\d s earlier$/);
  await isPaused(late);
  await tick(late, 2);

  // What the first tab has seen, replayed: the very moment.
  const download = page.waitForEvent('download');
  await page.keyboard.press('ControlOrMeta+s');
  await late.getByLabel('Recording to open').setInputFiles(await (await download).path());
  await expect(late.getByText('This is the recording')).toBeVisible({ timeout: FOLLOWED });
  await follow(link.hash);
  await expect(found(late)).toHaveText('Found by machine time t1');
  await tick(late, 1);
  await context.close();
});

test('a link copied while live leads to the live view', async ({ page, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 1);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByText('Link copied')).toBeVisible();
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  expect(link.hash).toMatch(/^#v=1&id=lamp@\w{8}&w=60s$/);
  await page.goto(link.href);
  await tick(page, 1);
  await isLive(page);
});

test('D29 an address of am-dbg leads to the moment with that machine time', async ({ page, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 3);
  await page.evaluate(() => navigator.clipboard.writeText('mach://lamp/tx9f31c?t=1&state=On'));
  await page.keyboard.press('ControlOrMeta+v');
  await expect(found(page)).toHaveText('Found by machine time t1');
  await isPaused(page);
  await tick(page, 1);
  await expect(stateInView(page, 'On')).toHaveAttribute('aria-selected', 'true');

  // In the address bar, too.
  await page.evaluate(() => (location.hash = 'mach://lamp/tx9f31c?t=2'));
  await expect(found(page)).toHaveText('Found by machine time t2');
  await tick(page, 2);
  await expect.poll(() => new URL(page.url()).hash).toMatch(/^#v=1&id=lamp@\w{8}&e=\d+&c=2&a=\d+/);
});

test('the address follows the cursor, four times a second at most, and back walks jumps', async ({ page, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 3);
  await isLive(page);
  const machine = page.url();
  await page.evaluate(() => {
    globalThis.corrections = [];
    const { replaceState } = history;
    history.replaceState = (...args) => (globalThis.corrections.push(performance.now()), replaceState.apply(history, args));
  });
  const entries = await page.evaluate(() => history.length);
  const slider = page.getByRole('slider', { name: 'Moment looked at' });
  const box = await slider.boundingBox();
  await page.mouse.move(box.x + 10, box.y + 10);
  await page.mouse.down();
  for (let n = 0; n < 60; n += 1) {
    await page.mouse.move(box.x + 10 + n * 4, box.y + 10);
    await page.waitForTimeout(20);
  }
  await page.mouse.up();
  await expect.poll(() => new URL(page.url()).hash).toMatch(/&a=\d+/);
  await page.waitForTimeout(400);
  const times = await page.evaluate(() => globalThis.corrections);
  expect(times.length).toBeGreaterThan(2);
  const gaps = times.slice(1).map((time, n) => time - times[n]);
  expect(Math.min(...gaps)).toBeGreaterThan(230);
  expect(await page.evaluate(() => history.length), 'a scrub is no entry').toBe(entries);

  // A jump is: back leads to where the page looked before, and before that it was live.
  await page.keyboard.press('Shift+L');
  await expect(page).toHaveURL((url) => !/&a=/.test(url.hash));
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await tick(page, 2);
  await expect.poll(() => new URL(page.url()).hash).toMatch(/&c=2&/);
  await page.evaluate(() => navigator.clipboard.writeText('mach://lamp/tx?t=1'));
  await page.keyboard.press('ControlOrMeta+v');
  await tick(page, 1);
  await page.goBack();
  await tick(page, 2);
  await isPaused(page);
  await page.goBack();
  await expect(page).toHaveURL(mesh.relay.url);
  await isLive(page);
  expect(machine).toContain('/m#id=lamp@');
});

test('what a link says is shown as text, and where it leads nowhere the page says so', async ({ page, start }) => {
  const mesh = await lamp(start);
  const hostile = `${encodeURIComponent('<img src=x onerror=alert(1)>\u202e\u0000')}@<b>`;
  let alerted = false;
  page.on('dialog', () => (alerted = true));
  await page.goto(`${mesh.relay.url}m#v=1&id=${hostile}&c=99999999999999999999&a=1&w=9999999999999999999s&st=%3Cscript%3E&zzz=1`);
  await expect(page.locator('.machine-view')).toContainText('No machine <img src=x', { timeout: FOLLOWED });
  await expect(found(page)).toHaveText(/^No history for \d\d:\d\d:\d\d\. The oldest here is /, { timeout: FOLLOWED });
  await isLive(page);
  expect(alerted).toBe(false);
  expect(await page.locator('.machine-view img').count()).toBe(0);
});

test('where the clipboard is denied the link can be copied by hand', async ({ page, start }) => {
  const mesh = await lamp(start);
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('denied'));
    document.execCommand = () => false;
  });
  await watchLamp(page, mesh, 1);
  await page.keyboard.press('c');
  await expect(page.getByText('The browser denied the clipboard. Select and copy:')).toBeVisible();
  const field = page.getByRole('textbox', { name: 'Link' });
  await expect(field).toHaveValue(/\/m#v=1&id=lamp@/);
  await field.focus();
  expect(await page.evaluate(() => String(getSelection()))).toContain('#v=1&id=lamp@');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(field).toBeHidden();
});
