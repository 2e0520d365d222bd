// What the Machine view leaves out (D23), the log (D30) and the reader, over a recording with one of everything:
// crates/web/examples/generate/story.rs writes it, support/story.smesh is it.
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { test, expect, machineRow, sideways, stateInView } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

/** The recording, as if it had been made just now: what is too old is not opened. */
function story() {
  const plain = gunzipSync(readFileSync(new URL('../support/story.smesh', import.meta.url)));
  const begin = 'statemesh recording\n'.length + 1;
  let end = begin;
  while (plain[end] & 0x80) end += 1;
  const origin = [];
  for (let left = BigInt(Date.now() - 60_000); origin.length === 0 || left > 0n; left >>= 7n) {
    origin.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
  }
  return gzipSync(Buffer.concat([plain.subarray(0, begin), Buffer.from(origin), plain.subarray(end + 1)]));
}

/** Opens the recording, and in it a machine. */
async function open(page, start, machine = 'courier-17') {
  const relay = await start.relay();
  await page.goto(relay.url);
  await drop(page);
  await show(page, machine);
  return relay;
}

async function drop(page) {
  await expect(page.locator('[data-connection="live"]').first()).toBeVisible({ timeout: FOLLOWED });
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], 'story.smesh'));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, story().toString('base64'));
  await expect(page.getByText('This is the recording story.smesh')).toBeVisible();
}

async function show(page, machine) {
  await page.evaluate((machine) => {
    history.pushState(null, '', `/m#id=${machine}`);
    dispatchEvent(new PopStateEvent('popstate', { state: null }));
  }, machine);
  await expect(page.locator('.machine-view h1')).toHaveText(machine);
}

const rain = (page) => page.getByRole('grid', { name: 'Transitions' });
const rows = (page) => rain(page).locator('.rain-row');
const facts = (page) => page.locator('.machine-head .facts');
const bar = (page) => page.getByRole('group', { name: 'Filters' });
const filter = (page, key) => bar(page).locator(`[data-filter="${key}"]`);
const pane = (page) => page.getByRole('region', { name: 'Log and reader' });
const log = (page) => page.getByRole('grid', { name: 'Log' });
const lines = (page) => log(page).locator('.log-line');
const atCursor = (page) => rain(page).locator('[aria-selected="true"]');

/** Numbers of the rows, as they stand below each other; the first look has none. */
const numbers = (page) =>
  rows(page).evaluateAll((rows) =>
    rows
      .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
      .map((row) => (row.dataset.kind === 'filtered' ? '-' : (row.querySelector('.tx')?.textContent ?? ''))),
  );

const ALL = ['', ...Array.from({ length: 14 }, (_, at) => String(at + 1))];
const without = (...hidden) => ALL.filter((number) => !hidden.includes(Number(number)));

test('D23 each filter hides what it says, counts it, and leaves the cursor where it is', async ({ page, start }) => {
  await open(page, start);
  await expect.poll(() => numbers(page)).toEqual(ALL);
  await expect(facts(page)).toContainText('tx 14, record 15 of 15');
  // A row that no filter hides.
  await rows(page).filter({ hasText: 'Driving' }).first().click();
  await expect(facts(page)).toContainText('tx 3, record 4 of 15');
  // The address follows the cursor a moment later.
  await expect(page).toHaveURL(/&n=3&/);
  const [seen] = new URL(page.url()).hash.match(/&a=\d+/);
  await page.getByRole('combobox', { name: 'Group of states' }).selectOption('route');
  await expect(stateInView(page)).toHaveCount(2);

  await page.keyboard.press('Escape');
  await page.locator('.machine-view h1').click();
  await page.keyboard.press('f');
  await expect(bar(page)).toBeVisible();
  for (const [key, ...hidden] of [
    ['canceled', 8, 13],
    ['queued', 6, 13],
    ['auto', 2],
    ['autocanceled', 7],
    ['empty', 10],
    ['health', 4, 5],
    ['checks', 9, 11],
    ['group', 1, 2, 4, 5, 7, 8, 10, 12, 13],
  ]) {
    await expect(filter(page, key), key).toHaveText(new RegExp(` ${hidden.length}$`));
    await filter(page, key).click();
    await expect.poll(() => numbers(page), key).toEqual(without(...hidden));
    await expect(page.locator('#filters-button')).toHaveText('Filters 1/10');
    const before = hidden.filter((number) => number < 3).length;
    await expect(facts(page)).toContainText(`tx 3, record ${4 - before} of ${15 - hidden.length}`);
    await filter(page, key).click();
    await expect.poll(() => numbers(page), key).toEqual(ALL);
    await expect(page.locator('#filters-button')).toHaveText('Filters 0/10');
  }
  await expect(atCursor(page)).toContainText('Driving');
  expect(page.url()).toContain(seen);
});

test('D23 a hidden transition at the cursor says so and can be shown; arrow keys pass what is hidden', async ({ page, start }) => {
  await open(page, start);
  await rows(page).nth(9).click();
  await expect(facts(page)).toContainText('tx 9, record 10 of 15');
  await page.locator('#filters-button').click();
  await filter(page, 'checks').click();
  await filter(page, 'canceled').click();
  await expect.poll(() => numbers(page)).toEqual(['', '1', '2', '3', '4', '5', '6', '7', '-', '10', '12', '14']);
  const hidden = rain(page).locator('[data-kind="filtered"]');
  await expect(hidden).toHaveText('current transition is filtered out · show');
  await expect(facts(page)).toContainText('tx 9, filtered out of 11');
  // Other lists still say what is there.
  await expect(page.getByRole('region', { name: 'Change at the cursor' })).toContainText('#9');

  await page.keyboard.press('ArrowRight');
  await expect(facts(page)).toContainText('tx 10, record 9 of 11');
  await expect(hidden).toHaveCount(0);
  await page.keyboard.press('ArrowRight');
  await expect(facts(page)).toContainText('tx 12, record 10 of 11');
  await page.keyboard.press('End');
  await expect(facts(page)).toContainText('tx 14, record 11 of 11');
  for (const number of [12, 10, 7]) {
    await page.keyboard.press('ArrowLeft');
    await expect(facts(page)).toContainText(`tx ${number}, record`);
  }

  // Shown again: only what hides it is turned off.
  await filter(page, 'checks').click();
  await rows(page).filter({ hasText: 'add Driving' }).last().click();
  await filter(page, 'checks').click();
  await expect(facts(page)).toContainText('filtered out of 11');
  await hidden.getByRole('button', { name: 'show' }).click();
  await expect(filter(page, 'checks')).toHaveAttribute('aria-pressed', 'false');
  await expect(filter(page, 'canceled')).toHaveAttribute('aria-pressed', 'true');
  await expect(facts(page)).toContainText(/tx (9|11), record \d+ of 13/);

  // Kept over a reload, and in force there.
  await page.reload();
  await drop(page);
  await show(page, 'courier-17');
  await expect(page.locator('#filters-button')).toHaveText('Filters 1/10');
  await expect.poll(() => numbers(page)).toEqual(without(8, 13));
});

test('D23 gone peers and own machines leave the list of machines', async ({ page, start }) => {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  scripted.tell({ do: 'expose', id: 'door', states: ['Open'], tags: ['host:desk'] });
  await page.goto(relay.url);
  const lamp = machineRow(page, scripted.peer, 'lamp');
  await lamp.click({ timeout: FOLLOWED });
  const own = page.locator('nav.list [data-own]');
  await expect(own).toHaveCount(1);
  await page.locator('#filters-button').click();
  await expect(filter(page, 'own')).toHaveText('Own machines 1');
  await filter(page, 'own').click();
  await expect(own).toHaveCount(0);
  await expect(lamp).toBeVisible();

  await filter(page, 'gone').click();
  await expect(filter(page, 'gone')).toHaveText('Gone peers 0');
  scripted.tell({ do: 'quit' });
  await expect(filter(page, 'gone')).toHaveText('Gone peers 2', { timeout: FOLLOWED });
  const door = page.locator('nav.list [data-machine$="/door"]');
  await expect(door).toHaveCount(0);
  await expect(lamp, 'the one shown stays').toBeVisible();
  await filter(page, 'gone').click();
  await expect(door).toHaveCount(1);
});

test('D30 log lines are shown exactly per level, and a click selects transition and state', async ({ page, start }) => {
  await open(page, start);
  const level = page.getByRole('combobox', { name: 'Log level' });
  for (const [choice, count] of [0, 1, 5, 9, 10, 11].entries()) {
    await level.selectOption(String(choice));
    await expect(lines(page), `level ${choice}`).toHaveCount(count);
    const levels = await lines(page).evaluateAll((lines) => lines.map((line) => Number(line.dataset.level)));
    expect(Math.max(0, ...levels)).toBe(choice);
    await expect(pane(page)).toContainText(choice === 0 ? 'No log line passes' : `${count === 11 ? '' : `${count} of `}11 lines`);
  }
  await expect(lines(page).first().locator('.line')).toHaveText('[exter] engine on');
  await expect(lines(page).first().locator('.stamp')).toHaveText(/^\d\d:\d\d\.\d\d\d$/);
  await page.getByRole('button', { name: 'Times' }).click();
  await expect(log(page).locator('.stamp')).toHaveCount(0);

  // The line's own state; a line about two of them: the one under the pointer.
  await lines(page).filter({ hasText: '[state] +Driving' }).locator('u').click();
  await expect(facts(page)).toContainText('tx 3,');
  await expect(stateInView(page, 'Driving')).toHaveAttribute('aria-selected', 'true');
  await expect(log(page).locator('.current')).toHaveCount(4);
  await lines(page).filter({ hasText: '+AtStop' }).getByText('Driving').click();
  await expect(facts(page)).toContainText('tx 6,');
  await expect(stateInView(page, 'Driving')).toHaveAttribute('aria-selected', 'true');
  await lines(page).filter({ hasText: '+AtStop' }).getByText('[state]').click();
  await expect(stateInView(page, 'AtStop')).toHaveAttribute('aria-selected', 'true');
  await expect(log(page).locator('.current')).toHaveCount(1);

  // It follows the cursor, and is told by text.
  await page.keyboard.press('ArrowLeft');
  await expect(log(page).locator('.current')).toHaveCount(0);
  await page.keyboard.press('/');
  await page.keyboard.type('driving');
  await expect(lines(page)).toHaveCount(4);
  await expect(pane(page)).toContainText('4 of 11 lines');
  await page.keyboard.type(' nowhere');
  await expect(pane(page)).toContainText('No log line passes this level and text.');
  await page.getByLabel('Text of log lines').fill('');
  await page.getByRole('button', { name: 'Wrap' }).click();
  await expect(lines(page)).toHaveCount(11);

  // Where there is none, the page says why.
  await show(page, 'depot');
  await expect(pane(page)).toContainText('Owner sends snapshots only: log lines need a full trace.');
  await show(page, 'lock-17');
  await expect(pane(page)).toContainText('Owner sends no log lines.');
});

test('the reader tells what stands around a transition, and leads to its cause in another machine', async ({ page, start }) => {
  await open(page, start);
  await rows(page).filter({ hasText: 'AtStop' }).first().click();
  await expect(facts(page)).toContainText('tx 6,');
  await page.keyboard.press('o');
  const group = (name) => pane(page).getByRole('region', { name, exact: true });
  await expect(group('Source')).toContainText('courier-17 #3 add Driving');
  await expect(group('State trace').getByRole('listitem')).toHaveText([/^courier-17 #3 add Driving/, /^route-17 #1 add Start/, 'started outside the mesh']);
  await expect(group('Siblings').getByRole('listitem')).toHaveText([/^lock-17 #1 add Start/]);
  await expect(group('Queue').getByRole('listitem')).toHaveText(['tick 7', 'behind #3 and 2 more']);
  await expect(group('Forks')).toHaveCount(0);
  await expect(group('Arguments')).toHaveCount(0);

  await group('Source').getByRole('link').click();
  await expect(facts(page)).toContainText('tx 3,');
  await expect(group('Forks').getByRole('listitem')).toHaveText([/^lock-17 #1 add Start/, /^courier-17 #6 add AtStop/]);
  await expect(group('Arguments')).toContainText('parcel=7, stop=Elm Street');
  await expect(group('Handlers').getByRole('listitem')).toHaveText(['DrivingEnter', 'DrivingState']);
  await expect(group('Handlers').getByRole('heading')).toContainText('120 µs');

  await group('Source').getByRole('link').click();
  await expect(page.locator('.machine-view h1')).toHaveText('route-17');
  await expect(facts(page)).toContainText('tx 1,');
  await expect(group('Forks').getByRole('listitem')).toHaveText([/^courier-17 #3 add Driving/]);
  await page.goBack();
  await expect(page.locator('.machine-view h1')).toHaveText('courier-17');

  // A refusal is text, whatever it says.
  await rows(page).filter({ hasText: '×' }).filter({ hasText: 'Lost' }).nth(1).click();
  await expect(facts(page)).toContainText('tx 8,');
  await expect(group('Handlers')).toContainText('LostEnter × refused the road is <b>known</b>');
  await rows(page).filter({ hasText: 'add Lost' }).last().click();
  await expect(facts(page)).toContainText('tx 12,');
  await expect(group('State trace').getByRole('listitem')).toHaveText([/^route-17 #2 add Lost/, 'dispatch #5', 'source not visible to you']);

  await show(page, 'depot');
  await expect(pane(page)).toContainText('need a full trace');
  await page.keyboard.press('o');
  await expect(log(page).or(pane(page).getByText('Owner sends snapshots only'))).toBeVisible();
});

test('on a phone log and reader are a part of their own, and nothing goes sideways', async ({ page, start }) => {
  await page.setViewportSize({ width: 360, height: 780 });
  await open(page, start);
  await expect(pane(page)).toBeHidden();
  await page.getByRole('group', { name: 'Parts of the view' }).getByRole('button', { name: 'Log' }).click();
  await expect(log(page)).toBeVisible();
  await expect(lines(page).first()).toBeVisible();
  expect(await sideways(page)).toEqual([]);
  await pane(page).getByRole('tab', { name: 'Reader' }).click();
  await expect(pane(page).getByRole('region', { name: 'Queue' })).toBeVisible();
  expect(await sideways(page)).toEqual([]);
});
