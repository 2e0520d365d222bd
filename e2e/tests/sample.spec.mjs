// The tab's own machines: the sample workflow, recorded in full (D21, D59), step by step (D22), along its causes (D26).
// What the engine's tracer said of the same workflow stands in support/sample.txt; a test of crates/web writes it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test, expect, stateInView } from '../support/fixtures.mjs';

/** Joining, and a hundred transitions. */
const RUN = 30_000;
const RECORD = fileURLToPath(new URL('../support/sample.txt', import.meta.url));

/** `{ machine, number, words, steps }` for each transition, in order. */
const record = readFileSync(RECORD, 'utf8')
  .split('\n')
  .reduce((all, line) => {
    const [, machine, number, words] = /^(\S+) (\d+), (.*)$/.exec(line) ?? [];
    if (machine) all.push({ machine, number: Number(number), words, steps: [] });
    const [, phase, step] = /^ {2}(\w+): (.*)$/.exec(line) ?? [];
    if (phase) all.at(-1).steps.push({ phase, step });
    return all;
  }, []);

const rain = (page) => page.getByRole('grid', { name: 'Transitions' });
const rainRows = (page) => rain(page).locator('.rain-row');
const atCursor = (page) => rain(page).locator('[aria-selected="true"]');
const change = (page) => page.getByRole('region', { name: 'Change at the cursor' });
const isPaused = (page) => expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
const machine = (page, id) => page.locator(`[data-machine$="/${id}"]`).filter({ visible: true }).first();
const stepLine = (page) => page.getByRole('slider', { name: 'Step of the transition' });
const shown = (page, id) => expect(page.locator('.machine-head h1')).toHaveText(id);
const numbered = (page, number) => expect(atCursor(page)).toHaveAccessibleName(new RegExp(`^${number}, `));

/** A page in which so many transitions of the sample lie behind. */
async function sample(page, start, count = record.length) {
  const relay = await start.relay();
  await page.goto(`${relay.url}m#sample=${count}`);
  await expect(machine(page, 'sample-orders')).toBeVisible({ timeout: RUN });
  return relay;
}

/** Opens one of its machines, and looks at one of its transitions. */
async function lookAt(page, id, number) {
  await machine(page, id).click();
  await shown(page, id);
  await expect(rainRows(page).first()).toBeVisible({ timeout: RUN });
  await rain(page).press('Home');
  await isPaused(page);
  const row = rainRows(page).filter({ has: page.locator(`.tx:text-is("${number}")`) });
  await expect(async () => {
    if ((await row.count()) === 0) await rain(page).press('PageDown');
    await row.first().click({ timeout: 1_000 });
  }).toPass({ timeout: RUN });
  await numbered(page, number);
}

/** Accessible names of all rows, by number, as soon as there are so many. */
async function names(page, least) {
  const found = new Map();
  // What is paused stays where it was scrolled.
  await rain(page).press('Home');
  await isPaused(page);
  await expect(async () => {
    const rows = await rain(page).evaluate((grid) => {
      const rows = [...grid.querySelectorAll('.rain-row')].map((row) => row.getAttribute('aria-label'));
      const top = grid.scrollTop;
      grid.scrollBy(0, grid.clientHeight / 2);
      if (grid.scrollTop === top) grid.scrollTo(0, 0);
      return rows;
    });
    for (const row of rows) if (row && !Number.isNaN(Number.parseInt(row, 10))) found.set(Number.parseInt(row, 10), row);
    expect(found.size).toBeGreaterThanOrEqual(least);
  }).toPass({ timeout: RUN, intervals: [50] });
  await page.keyboard.press('Shift+L');
  return found;
}

test('D21 D59 rows of own machines equal what the engine told of a hundred transitions', async ({ page, start }) => {
  expect(record.length).toBeGreaterThanOrEqual(100);
  await sample(page, start);
  for (const id of ['sample-orders', 'sample-courier', 'sample-route']) {
    await machine(page, id).click();
    await shown(page, id);
    await expect(page.locator('.machine-head')).toContainText('Local');
    const told = record.filter((it) => it.machine === id);
    expect(told.length, `of ${id}`).toBeGreaterThan(5);
    const rows = await names(page, told.length);
    for (const { number, words } of told) expect(rows.get(number), `${id} #${number}`).toBe(`${number}, ${words}`);
  }
});

test("D59 the tab's own peer is a machine of the list, with every transition and its steps", async ({ page, start }) => {
  const relay = await start.relay();
  await page.goto(relay.url);
  const own = page.locator('[data-machine][data-own]').filter({ visible: true }).first();
  await own.click({ timeout: RUN });
  await expect(page.locator('.machine-head')).toContainText('Local');
  await expect(rainRows(page).nth(2)).toBeVisible();
  const rows = [...(await names(page, 3)).keys()];
  expect(rows, 'none is missing').toEqual(rows.map((_, at) => rows[0] + at));
  await expect(change(page).locator('[data-step]').first()).toContainText(/^1called /);
});

test('D22 steps are gone through one by one, in the list, in the dock and as arcs', async ({ page, start }) => {
  const lost = record.find((it) => it.words.startsWith('add RouteLost'));
  expect(lost.steps.length).toBeGreaterThan(10);
  await sample(page, start);
  await lookAt(page, lost.machine, lost.number);
  const list = change(page).locator('[data-step]');
  await expect(list).toHaveCount(lost.steps.length);
  await expect(stepLine(page)).toHaveAttribute('aria-valuemax', String(lost.steps.length));
  await expect(stepLine(page)).toHaveAttribute('aria-valuenow', '0');
  await expect(page.locator('.arcs')).toHaveCount(0);
  await expect(stateInView(page, 'RouteLost')).toContainText('called');
  await expect(stateInView(page, 'RouteLost'), 'its handler ran').toContainText('*');

  const isArc = (step) => / (adds|removes|requires) /.test(step);
  const drawn = new Set(lost.steps.map(({ step }) => step).filter(isArc));
  for (const [at, { phase, step }] of lost.steps.entries()) {
    await page.keyboard.press(']');
    const current = change(page).locator('[aria-current="step"]');
    await expect(current).toHaveText(`${at + 1}${step}`);
    await expect(stepLine(page)).toHaveAttribute('aria-valuetext', `step ${at + 1} of ${lost.steps.length}, ${phase}: ${step}`);
    await expect(page.locator('.segments .done')).toHaveCount(at);
    await expect(page.locator('.arcs > g')).toHaveCount(drawn.size);
    await expect(page.locator('.arcs > .current')).toHaveCount(isArc(step) ? 1 : 0);
    if (isArc(step)) await expect(page.locator('.arcs')).toHaveAttribute('aria-label', new RegExp(`${step}, current step`));
  }
  // Behind the last there is none; before the first is the whole transition.
  await page.keyboard.press(']');
  await expect(stepLine(page)).toHaveAttribute('aria-valuenow', String(lost.steps.length));
  await page.keyboard.press('[');
  await expect(stepLine(page)).toHaveAttribute('aria-valuenow', String(lost.steps.length - 1));

  // A click seeks, here and there, and the address says where.
  await list.nth(2).click();
  await expect(stepLine(page)).toHaveAttribute('aria-valuenow', '3');
  await expect(page).toHaveURL(/&s=3&/);
  const box = await stepLine(page).boundingBox();
  await page.mouse.click(box.x + box.width - 2, box.y + 4);
  await expect(stepLine(page)).toHaveAttribute('aria-valuenow', String(lost.steps.length));
  await expect(page).toHaveURL(new RegExp(`&s=${lost.steps.length}&`));

  // Another transition is looked at as a whole.
  await page.keyboard.press('h');
  await expect(stepLine(page)).toHaveAttribute('aria-valuenow', '0');
  await expect(page.locator('.arcs')).toHaveCount(0);

  for (const lines of ['0', '1', '2']) {
    await page.keyboard.press('t');
    await expect(page.locator('.lines')).toHaveAttribute('data-lines', lines);
    await expect(stepLine(page)).toBeVisible({ visible: lines === '2' });
    await expect(page.getByRole('slider', { name: 'Moment looked at' })).toBeVisible({ visible: lines !== '0' });
  }
});

test('D26 s leads to the cause in the other machine, and back returns', async ({ page, start }) => {
  const told = record.find((it) => it.words.startsWith('add CourierLost'));
  const cause = (of) => {
    const [, machine, number] = /from (\S+) #(\d+)/.exec(of.words) ?? [];
    return record.find((it) => it.machine === machine && it.number === Number(number));
  };
  const chain = [told];
  while (cause(chain.at(-1))) chain.push(cause(chain.at(-1)));
  expect(chain.map((it) => it.machine)).toEqual(['sample-orders', 'sample-courier', 'sample-route', 'sample-route']);

  await sample(page, start);
  await lookAt(page, told.machine, told.number);
  const trail = change(page).locator('.cause-trail');
  await expect(change(page)).toContainText('Led here by cause');
  await expect(trail.locator('li')).toHaveCount(5);
  await expect(trail.locator('li').first()).toHaveText('started outside the mesh');
  await expect(trail.locator('a').first()).toContainText(`sample-route #${chain[3].number}`);
  await expect(change(page).locator('.source')).toContainText(`${chain[1].machine} #${chain[1].number}`);
  await expect(atCursor(page)).toContainText('from sample-courier');

  for (const { machine: id, number } of chain.slice(1)) {
    await page.keyboard.press('s');
    await shown(page, id);
    await numbered(page, number);
  }
  await expect(page).toHaveURL(new RegExp(`id=sample-route@.*&n=${chain[3].number}&`));
  for (const { machine: id, number } of chain.slice(0, 3).reverse()) {
    await page.goBack();
    await shown(page, id);
    await numbered(page, number);
    await isPaused(page);
  }
  // And to its first effect: the way down.
  await trail.locator('a').first().click();
  await numbered(page, chain[3].number);
  for (const { machine: id, number } of chain.slice(0, 3).reverse()) {
    await page.keyboard.press('Shift+S');
    await shown(page, id);
    await numbered(page, number);
  }
});

test('the sample is offered where nothing is visible, and can be stopped', async ({ page, start }) => {
  const relay = await start.relay();
  await page.goto(relay.url);
  await page.getByRole('button', { name: 'Run the sample workflow in this tab' }).click({ timeout: RUN });
  await expect(machine(page, 'sample-courier')).toBeVisible({ timeout: RUN });
  await expect(page.locator('.empty')).toHaveCount(0);
  await machine(page, 'sample-courier').click();
  await shown(page, 'sample-courier');
  await expect(page.locator('.machine-head')).toContainText('Local');
  // It goes on by itself.
  const rows = await rainRows(page).count();
  await expect.poll(() => rainRows(page).count(), { timeout: RUN }).toBeGreaterThan(rows);
  await page.goto(`${relay.url}peers`);
  // Another load is another visit: nothing runs before it is asked for.
  const run = page.getByRole('button', { name: 'Run the sample workflow in this tab' });
  await run.click({ timeout: RUN });
  await page.getByRole('button', { name: 'Stop the sample workflow' }).click();
  await expect(run).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await expect(machine(page, 'sample-courier')).toHaveAttribute('data-health', 'gone', { timeout: RUN });
});
