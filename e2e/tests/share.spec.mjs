// What leaves the page as a link, a rule, a text or a table, and what comes back: the join link (D03), pictures of a
// moment (D53), watch rules (D55), two windows with one cursor (D56), the console and texts of views (D57).
import { readFileSync } from 'node:fs';
import { deflateRawSync, gunzipSync } from 'node:zlib';
import { test, expect, connection, machineRow, stateInView } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const dock = (page) => page.locator('.dock');
const found = (page) => page.locator('.dock .found');
const isPaused = (page) => expect(dock(page)).toHaveAttribute('data-time', 'paused');
const tick = (page, value, state = 'On') =>
  expect(stateInView(page, state)).toHaveAttribute('data-tick', String(value), { timeout: FOLLOWED });
const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

async function lamp(start, ...args) {
  const relay = await start.relay(...args);
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On', 'Ready'], tags: ['host:desk', 'kind:light'] });
  return { relay, scripted, toggle: (state = 'On') => scripted.tell({ do: 'toggle', id: 'lamp', state }) };
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

/** What an item of the link menu puts on the clipboard. */
async function copied(page, item) {
  await page.keyboard.press('Shift+C');
  await page.getByRole('dialog', { name: 'Copy a link' }).getByRole('button', { name: item }).click();
  await expect(page.getByText('Link copied')).toBeVisible();
  const link = await clipboard(page);
  await page.getByRole('button', { name: 'Close' }).click();
  return link;
}

test.beforeEach(({ context }) => context.grantPermissions(['clipboard-read', 'clipboard-write']));

test('the link menu copies the moment, the live view, a picture and a way in', async ({ page, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 2);
  expect(new URL(await copied(page, /^Link to this moment/)).hash).toMatch(/^#v=1&id=lamp@\w{8}&a=\d{16}&w=60s$/);
  expect(new URL(await copied(page, /^Link to live view/)).hash).toMatch(/^#v=1&id=lamp@\w{8}&w=60s$/);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await tick(page, 1);
  expect(new URL(await copied(page, /^Link to this moment/)).hash).toMatch(/&c=1&a=\d{16}/);

  // The size said is the size of what is added.
  await page.getByRole('button', { name: 'Link menu' }).click();
  const item = page.getByRole('button', { name: /^Link with frame \(\d/ });
  const size = /\(([\d.]+) (K?B)\)/.exec(await item.innerText());
  await expect(item).toContainText('Clocks of 1 machine');
  await item.click();
  await expect(page.getByText('Link copied')).toBeVisible();
  const frame = /&f=([\w-]+)$/.exec(await clipboard(page))[1];
  expect(Math.floor(frame.length / (size[2] === 'KB' ? 100 : 1)) / (size[2] === 'KB' ? 10 : 1)).toBe(Number(size[1]));
  await page.getByRole('button', { name: 'Close' }).click();

  // The palette knows the menu, and Escape closes it.
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('link menu');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Copy a link' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('D03 a join link lets somebody in from a page of another relay, and leaves the address before the first paint', async ({ page, browser, start }) => {
  const mesh = await lamp(start, '--topic', 'parcel-eu');
  const elsewhere = await start.relay('--topic', 'other');
  await watchLamp(page, mesh, 1);
  await page.goto(mesh.relay.url);
  await expect(machineRow(page, mesh.scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });
  const link = new URL(await copied(page, /^Link that lets someone join/));
  expect(link.hash).toMatch(/^#v=1&j=parcel-eu,\/ip4\/127\.0\.0\.1\//);
  expect(await page.evaluate(() => location.hash)).not.toContain('j=');

  const context = await browser.newContext();
  const other = await context.newPage();
  const requests = [];
  other.on('request', (request) => requests.push(request.url()));
  await other.addInitScript(() => {
    globalThis.painted = [];
    new PerformanceObserver((list) => list.getEntries().forEach(() => globalThis.painted.push(location.href))).observe({ type: 'paint', buffered: true });
  });
  await other.goto(`${elsewhere.url}m${link.hash}&id=lamp&st=On`);
  await expect(other.locator('.machine-view').getByRole('heading', { level: 1 })).toHaveText('lamp', { timeout: FOLLOWED });
  await tick(other, 1);
  await expect(other).toHaveTitle('parcel-eu');
  const painted = await other.evaluate(() => globalThis.painted);
  expect(painted.length).toBeGreaterThan(0);
  for (const address of [...painted, ...requests, other.url()]) expect(address).not.toContain('j=parcel');
  expect(new URL(other.url()).hash).toContain('id=lamp');
  expect(await other.evaluate(() => JSON.stringify(localStorage)), 'nothing that outlives the tab').not.toContain('127.0.0.1');

  // Loaded again it joins the same way; a tab of its own does not.
  await other.reload();
  await tick(other, 1);
  await expect(other).toHaveTitle('parcel-eu');
  const fresh = await context.newPage();
  await fresh.goto(elsewhere.url);
  await expect(fresh).toHaveTitle('other', { timeout: FOLLOWED });

  // Into the address bar of a page that runs.
  await fresh.evaluate((hash) => (location.hash = hash), link.hash);
  await expect(machineRow(fresh, mesh.scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });
  await expect(fresh).toHaveTitle('parcel-eu');
  expect(fresh.url()).not.toContain('j=');

  // One that is cut off says so, and the page joins where it came from.
  const cut = await context.newPage();
  await cut.goto(`${elsewhere.url}${link.hash.slice(0, 25)}`);
  await expect(cut.getByText('This is not a join link: it is cut off or damaged. Copy the whole line again.')).toBeVisible();
  await expect(cut).toHaveTitle('other', { timeout: FOLLOWED });
  expect(cut.url()).toBe(elsewhere.url);
  await expect(connection(cut, 'live')).toBeVisible();
  await context.close();
});

test('D53 a picture from a link is hearsay: shown under its header, in neither history nor export', async ({ page, browser, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 3);
  for (const _ of [3, 2, 1]) await page.keyboard.press('ArrowLeft');
  await tick(page, 1);
  const link = await copied(page, /^Link with frame/);
  // Who was here does not need it.
  await page.evaluate((href) => (location.hash = new URL(href).hash), link);
  await expect(found(page)).toHaveText('Found by machine time t1');
  await expect(page.locator('.frame')).toHaveCount(0);

  const context = await browser.newContext();
  const late = await context.newPage();
  await late.goto(link);
  const header = 'From the link, not verified. The history is gone.';
  await expect(late.locator('.frame header')).toContainText(header, { timeout: FOLLOWED });
  await expect(found(late)).toHaveText(header);
  await expect(late.locator('.frame li')).toContainText(['lamp']);
  await expect(late.locator('.frame li')).toContainText('desk');
  await expect(late.locator('.frame li')).toContainText('t1');
  await expect(late.locator('.frame li .frame-states')).toHaveText(/^\s*On\s*$/);
  expect(await late.locator('.frame header').evaluate((it) => getComputedStyle(it).backgroundImage)).toContain('repeating-linear-gradient');
  await tick(late, 3);
  await expect(dock(late)).toHaveAttribute('data-time', 'live');
  await late.getByRole('button', { name: 'Previous change' }).click();
  await expect(late.locator('.frame')).toHaveCount(0);
  expect(await late.evaluate(() => statemesh.get('lamp').time)).toBe(3);
  const download = late.waitForEvent('download');
  await late.keyboard.press('ControlOrMeta+s');
  const saved = await (await download).path();
  expect(gunzipSync(readFileSync(saved)).includes('From the link')).toBe(false);
  await context.close();
});

test('hostile pictures are bounded, and the page says why they are not shown', async ({ page, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 1);
  const id = /id=[^&]+/.exec(page.url())[0];
  const pack = (text) => deflateRawSync(Buffer.from(text)).toString('base64url');
  const machine = (name) => `m 0 ok ${encodeURIComponent(name)} desk 1\n`;
  const cases = [
    [pack('\0'.repeat(1_000_000)), 'The picture in this link unpacks to more than 64 KB. It is not shown.'],
    ['A'.repeat(5_000), 'The picture in this link is longer than 4 KB. It is not shown.'],
    ['AAAA', 'The picture in this link is damaged. It is not shown.'],
    [pack('1 7\nS On\n'), 'The picture in this link is damaged. It is not shown.'],
    [pack(`1 7\nS On\n${machine('x').repeat(65)}e\n`), 'The picture in this link is damaged. It is not shown.'],
  ];
  for (const [frame, words] of cases) {
    // An old moment of another run, so that the history cannot know it.
    await page.goto('about:blank');
    await page.goto(`${mesh.relay.url}m#v=1&${id}&e=99&n=7&a=1000000000000000&f=${frame}`);
    await expect(page.getByText(words)).toBeVisible({ timeout: FOLLOWED });
    await expect(page.locator('.frame')).toHaveCount(0);
  }
  const name = `<img src=x onerror=alert(1)>\u202e${'x'.repeat(10_000)}`;
  await page.goto('about:blank');
  await page.goto(`${mesh.relay.url}m#v=1&${id}&e=99&n=7&a=1000000000000000&f=${pack(`1 7\nS On\n${machine(name)}e\n`)}`);
  const row = page.locator('.frame li');
  await expect(row).toContainText('<img src=x', { timeout: FOLLOWED });
  expect((await row.innerText()).length).toBeLessThan(200);
  expect(await row.locator('img').count()).toBe(0);
  expect(await page.evaluate(() => document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth)).toBe(true);
});

test('D55 a watch rule joins the attention list, counts in the title, and is cleared on recovery', async ({ page, start }) => {
  const mesh = await lamp(start);
  mesh.toggle('Ready');
  await page.goto(mesh.relay.url);
  await machineRow(page, mesh.scripted.peer, 'lamp').click();
  await tick(page, 1, 'Ready');
  await stateInView(page, 'Ready').click();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('w');
  await expect(page.getByText('Watching Ready off > 5 s on lamp. Change it in Settings.')).toBeVisible();

  await page.goto(`${mesh.relay.url}settings`);
  const rules = page.getByRole('textbox', { name: 'Rule', exact: true });
  await expect(rules).toHaveValue('Ready off > 5 s on lamp');
  await rules.fill('Ready off > 5 s on kind:light');
  await rules.press('Enter');
  await page.getByRole('switch', { name: 'Count in the title of the page' }).check();
  await page.getByRole('textbox', { name: 'New rule' }).fill('Ready off > soon');
  await page.keyboard.press('Enter');
  await expect(page.getByText('A time looks like this: > 5 s.')).toBeVisible();

  await page.getByRole('link', { name: 'Overview' }).first().click();
  const row = page.locator('[data-attention="watch"]');
  await expect(machineRow(page, mesh.scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });
  await expect(row).toHaveCount(0);
  mesh.toggle('Ready');
  await expect(row).toBeVisible({ timeout: FOLLOWED });
  await expect(row).toContainText('Watched');
  await expect(row).toContainText('lamp');
  await expect(row).toContainText('Ready off > 5 s on kind:light');
  await expect(row.locator('use[href="#i-flag"]')).toHaveCount(1);
  await expect(page).toHaveTitle(new RegExp(`^\\([1-9]\\) ${mesh.relay.topic}$`));

  // At every cursor: before it began there is nothing, and there is again where it held.
  const began = await row.locator('.since').getAttribute('title');
  expect(began).toMatch(/\d\d:\d\d:\d\d/);
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await page.getByRole('slider', { name: 'Moment looked at' }).press('Home');
  await isPaused(page);
  await expect(row).toHaveCount(0);
  await expect(page).toHaveTitle(new RegExp(`^\\([1-9]\\) `));
  await page.keyboard.press('Shift+L');
  await expect(row).toBeVisible();

  mesh.toggle('Ready');
  await expect(row).toHaveCount(0, { timeout: FOLLOWED });
  await expect(page).toHaveTitle(mesh.relay.topic, { timeout: 30_000 });

  // What is deleted is gone after a reload.
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await expect(rules).toHaveCount(0);
  await page.reload();
  await expect(page.getByText('No rule yet.')).toBeVisible();
});

test('D56 windows that follow look at one moment', async ({ page, context, start }) => {
  const mesh = await lamp(start);
  const second = await context.newPage();
  const clock = (of) => of.locator('.dock .clock').evaluate((it) => it.textContent.replace(/\s/g, ''));
  await watchLamp(page, mesh, 2);
  await second.goto(mesh.relay.url);
  await expect(machineRow(second, mesh.scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });

  // Off by default: each window has a cursor of its own.
  await page.bringToFront();
  await page.keyboard.press('ArrowLeft');
  await isPaused(page);
  await expect(dock(second)).toHaveAttribute('data-time', 'live');
  await page.keyboard.press('Shift+L');
  // What lies behind another tab draws nothing, and nothing in it can be clicked.
  for (const of of [second, page]) {
    await of.bringToFront();
    await of.getByRole('link', { name: 'Settings' }).click();
    await of.getByLabel("Follow this window's cursor").selectOption('on');
    await of.getByRole('link', { name: 'Overview' }).first().click();
  }
  await page.keyboard.press('ArrowLeft');
  await isPaused(page);
  await isPaused(second);
  const moment = await clock(page);
  expect(moment).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
  await expect.poll(() => clock(second)).toBe(moment);

  // The other way round, and together back to live.
  await second.bringToFront();
  await second.getByRole('slider', { name: 'Moment looked at' }).press('Home');
  await expect.poll(() => clock(second)).not.toBe(moment);
  await expect.poll(async () => (await clock(page)) === (await clock(second))).toBe(true);

  // A window that comes later asks where the others look.
  const third = await context.newPage();
  await third.goto(mesh.relay.url);
  await expect(dock(third)).toBeVisible({ timeout: 60_000 });
  await isPaused(third);
  await expect.poll(async () => (await clock(third)) === (await clock(page))).toBe(true);
  await third.close();
  await page.bringToFront();
  await page.keyboard.press('Shift+L');
  await expect(dock(second)).toHaveAttribute('data-time', 'live');
});

test('D57 the console says what the screen says, at any moment', async ({ page, start }) => {
  const mesh = await lamp(start);
  await watchLamp(page, mesh, 3);
  const told = await page.evaluate(() => {
    globalThis.told = [];
    globalThis.stop = statemesh.subscribe((rows) => globalThis.told.push(...rows));
    return [Object.isFrozen(statemesh), Object.keys(statemesh).sort().join()];
  });
  expect(told).toEqual([true, 'at,get,list,subscribe']);
  mesh.toggle();
  await tick(page, 4);
  await expect.poll(() => page.evaluate(() => globalThis.told.findLast((row) => row.machine === 'lamp')?.time)).toBe(4);
  await page.evaluate(() => globalThis.stop());

  // Of the machine.
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await isPaused(page);
  await tick(page, 3);
  const machine = await page.evaluate(() => statemesh.get('lamp'));
  expect(machine).toMatchObject({ machine: 'lamp', host: 'desk', owner: mesh.scripted.peer, time: 3, active: ['On'] });
  expect(machine.states).toEqual([{ name: 'On', tick: 3 }, { name: 'Ready', tick: 0 }, { name: 'Exception', tick: 0 }]);
  expect(await page.evaluate(() => [statemesh.get('nobody'), statemesh.get(7)])).toEqual([null, null]);
  const at = Number(/&a=(\d+)/.exec((await copied(page, /^Link to this moment/)))[1]) / 1_000;
  const download = page.waitForEvent('download');
  await page.keyboard.press('ControlOrMeta+Shift+S');
  const saved = await download;
  expect(saved.suggestedFilename()).toMatch(/\.txt$/);
  await expect(page.getByText(/^Copied, and saved as .*\.txt\.$/)).toBeVisible();
  const text = await clipboard(page);
  expect(readFileSync(await saved.path(), 'utf8')).toBe(text);
  expect(text).toMatch(/^lamp on desk: /m);
  expect(text).toMatch(/^On +on +3$/m);
  expect(await page.evaluate((time) => statemesh.at(time), at)).toBe(text);
  expect(await page.evaluate((time) => statemesh.at(new Date(time)), at)).toBe(text);

  // Of the Overview; and from live the same moment reads the same, without a move of the cursor.
  await page.getByRole('link', { name: 'Overview' }).first().click();
  await expect(machineRow(page, mesh.scripted.peer, 'lamp')).toBeVisible();
  await page.keyboard.press('ControlOrMeta+Shift+S');
  await expect.poll(() => clipboard(page)).toContain('Overview');
  const overview = await clipboard(page);
  expect(overview).toContain(await page.getByRole('heading', { level: 1 }).innerText());
  expect(overview).toMatch(/^lamp +desk +\S+ +OK +3 +\d+ +On$/m);
  const without = (lines) => lines.split('\n').filter((line) => !line.startsWith('Now: ')).join('\n');
  expect(without(await page.evaluate((time) => statemesh.at(time), at))).toBe(without(overview));
  await page.keyboard.press('Shift+L');
  await expect(dock(page)).toHaveAttribute('data-time', 'live');
  expect(without(await page.evaluate((time) => statemesh.at(time), at))).toBe(without(overview));
  await expect(dock(page)).toHaveAttribute('data-time', 'live');
  expect((await page.evaluate(() => statemesh.list())).find((row) => row.machine === 'lamp').time).toBe(4);
});

test('tables leave the page, and a spreadsheet takes no name for a formula', async ({ page, start }) => {
  const mesh = await lamp(start);
  mesh.scripted.tell({ do: 'expose', id: '=1+1,"x', states: ['On'], tags: ['host:desk'] });
  await page.goto(mesh.relay.url);
  await expect(machineRow(page, mesh.scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });
  await expect(machineRow(page, mesh.scripted.peer, '=1+1,"x')).toBeVisible({ timeout: FOLLOWED });
  const save = async (kind) => {
    await page.locator('.dock .record summary').click();
    const download = page.waitForEvent('download');
    await page.locator('.record .popover').getByRole('button', { name: kind, exact: true }).click();
    const file = await download;
    await page.keyboard.press('Escape');
    await page.locator('.dock .record[open] summary').click({ timeout: 1_000 }).catch(() => {});
    return [file.suggestedFilename(), readFileSync(await file.path(), 'utf8')];
  };
  const [csvName, csv] = await save('CSV');
  expect(csvName).toMatch(/^mesh-\d{4}\.csv$/);
  expect(csv).toContain('machine,host,owner,health,time,changed,active\r\n');
  expect(csv).toMatch(/\r\nlamp,desk,\w+,OK,0,\d+,\r\n/);
  expect(csv).toMatch(/\r\n"'=1\+1,""x",desk,/);
  const [jsonName, json] = await save('JSON lines');
  expect(jsonName).toMatch(/\.jsonl$/);
  const [pngName, png] = await save('Lanes');
  expect(pngName).toMatch(/\.png$/);
  expect(png.slice(1, 4)).toBe('PNG');
  const rows = json.trim().split('\n').map((line) => JSON.parse(line));
  expect(rows.find((row) => row.machine === '=1+1,"x').owner).toBe(mesh.scripted.peer);
});

test('a machine is copied as text, pinned, hidden, and back within ten seconds', async ({ page, start }) => {
  const mesh = await lamp(start);
  mesh.scripted.tell({ do: 'expose', id: 'other', states: ['On'], tags: ['host:desk'] });
  await watchLamp(page, mesh, 3);
  for (const [form, text] of [['String', '(On:3)'], ['StringAll', '(On:3) [Ready:0 Exception:0]'], ['Time', '[3 0 0]']]) {
    await page.locator('summary[aria-label="Machine menu"]').click();
    await page.getByRole('button', { name: form, exact: true }).click();
    await expect.poll(() => clipboard(page)).toBe(text);
  }
  await page.locator('summary[aria-label="Machine menu"]').click();
  await page.getByRole('button', { name: 'Inspect', exact: true }).click();
  await expect.poll(() => clipboard(page)).toMatch(/On[\s\S]*Ready/);

  const list = page.getByRole('navigation', { name: 'Machines' }).locator('a.row .machine');
  await expect(list.filter({ hasText: 'other' })).toBeVisible({ timeout: FOLLOWED });
  await list.filter({ hasText: 'other' }).click();
  await expect(page.locator('.machine-view').getByRole('heading', { level: 1 })).toHaveText('other');
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('p');
  await expect(page.getByText(/^other is pinned/)).toBeVisible();
  await expect(list.first()).toHaveText('other');
  await page.keyboard.press('Backspace');
  await expect(list.filter({ hasText: 'other' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(list.first()).toHaveText('other');
  await page.keyboard.press('Backspace');
  await page.reload();
  await expect(list.filter({ hasText: 'lamp' })).toBeVisible({ timeout: FOLLOWED });
  await expect(list.filter({ hasText: 'other' })).toHaveCount(0);
  await page.goto(`${mesh.relay.url}settings`);
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.goto(mesh.relay.url);
  await expect(machineRow(page, mesh.scripted.peer, 'other')).toBeVisible({ timeout: FOLLOWED });
});
