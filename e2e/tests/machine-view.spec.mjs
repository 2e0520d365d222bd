// The Machine view: rain, the change at the cursor, why a state is off (D14), what if, matrix, keys (D25), phone.
import { test, expect, machineRow, sideways, stateInView } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const STATES = ['Start', 'Linked', 'Connected', 'Ready', 'Broken'];
const RELATIONS = { require: { Connected: ['Linked'], Ready: ['Start', 'Connected'] }, remove: { Broken: ['Linked'] } };

/** A machine whose Ready needs Connected, which needs Linked, which Broken removes. */
async function courier(page, start) {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'courier', tags: ['host:van'], states: STATES, active: ['Start', 'Linked', 'Connected', 'Ready'], ...RELATIONS });
  await page.goto(relay.url);
  const row = machineRow(page, scripted.peer, 'courier');
  await row.click({ timeout: FOLLOWED });
  await expect(stateInView(page, 'Ready')).toHaveAttribute('data-active', 'true', { timeout: FOLLOWED });
  const toggle = async (state, tick) => {
    scripted.tell({ do: 'toggle', id: 'courier', state });
    if (tick !== undefined) await expect(stateInView(page, state)).toHaveAttribute('data-tick', String(tick), { timeout: FOLLOWED });
  };
  return { relay, scripted, toggle };
}

const rain = (page) => page.getByRole('grid', { name: 'Transitions' });
const rainRows = (page) => rain(page).locator('.rain-row');
const atCursor = (page) => rain(page).locator('[aria-selected="true"]');
const change = (page) => page.getByRole('region', { name: 'Change at the cursor' });
const isPaused = (page) => expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');

test('rain has a row for every interval, and the change at the cursor says what is known of it', async ({ page, start }) => {
  const { toggle } = await courier(page, start);
  await expect(rainRows(page)).toHaveCount(1);
  await toggle('Broken', 1);
  await expect(rainRows(page)).toHaveCount(2);
  const row = rainRows(page).last();
  await expect(row).toHaveAttribute('data-kind', 'interval');
  await expect(row).toHaveAccessibleName(/^Snapshot: 4 changes in at most \d+\.\d s, between .*, on: Broken; off: Linked, Connected, Ready$/);
  await expect(rain(page)).toHaveAttribute('aria-rowcount', '3');

  const rows = change(page).locator('[data-changed]');
  await expect(rows).toHaveCount(4);
  await expect(change(page).locator('[data-changed="Ready"]')).toContainText('off');
  await expect(change(page)).toContainText('4 ticks, order unknown');
  await expect(change(page)).toContainText('Owner sends snapshots only');
  await expect(change(page)).not.toContainText(/, called|removed by|#\d/);
  await expect(stateInView(page, 'Ready')).toContainText('+1 off');
  await expect(stateInView(page, 'Broken')).toContainText('+1');

  // A click on the first row looks there: before anything changed.
  await rainRows(page).first().click();
  await isPaused(page);
  await expect(stateInView(page, 'Ready')).toHaveAttribute('data-active', 'true');
  await expect(atCursor(page)).toHaveAttribute('data-kind', 'first');
  await expect(rainRows(page).last()).toHaveClass(/after/);
  await page.keyboard.press('Shift+L');
  await expect(atCursor(page)).toHaveAttribute('data-kind', 'interval');
});

test('D14 why a state is off names the leaf and when it went', async ({ page, start }) => {
  const { toggle } = await courier(page, start);
  await toggle('Broken', 1);
  await stateInView(page, 'Ready').click();
  const why = page.getByRole('region', { name: 'Why' });
  await expect(why).toContainText('Why is Ready off?');
  await expect(why).toContainText(/Ready requires Connected, which went off between \S+ and \S+\./);
  await expect(why).toContainText(/Connected requires Linked, which went off between \S+ and \S+\./);
  await expect(why).toContainText(/Linked is held off by Broken, which went on between \S+ and \S+\./);

  // As of the cursor: before, it was on.
  await rainRows(page).first().click();
  await expect(why).toContainText('Why is Ready on?');
  await page.keyboard.press('Shift+L');
  await expect(why).toContainText('Why is Ready off?');

  // Another machine state selected by a relation: Enter jumps to it.
  await stateInView(page, 'Ready').focus();
  await page.keyboard.press('ArrowDown');
  const target = page.locator('button.target:focus');
  await expect(target).toHaveAccessibleName(/^requires Start, active$/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(stateInView(page, 'Connected')).toBeFocused();
  await expect(why).toContainText('Why is Connected off?');
  // Letters search in the tree and command nothing.
  await page.keyboard.type('re');
  await expect(stateInView(page, 'Ready')).toBeFocused();
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'live');
});

test('what if asks the engine in this tab', async ({ page, start }) => {
  const { toggle } = await courier(page, start);
  await toggle('Broken', 1);
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('4');
  const panel = page.getByRole('tabpanel', { name: 'What if' });
  await expect(panel).toContainText('Handlers are not run, the owner may still veto.');
  const pick = (name) => panel.getByRole('button', { name: new RegExp(`^${name} o`) });
  await pick('Ready').click();
  await expect(panel).toContainText('It would be canceled.');
  await expect(panel).toContainText('Ready requires Connected, which would be off.');
  await pick('Ready').click();
  await pick('Broken').click();
  await panel.getByRole('button', { name: 'remove', exact: true }).click();
  await expect(panel).toContainText('It would be accepted: 1 state would change.');
  // Then, at the cursor where Broken was off, adding it would take three along.
  await panel.getByRole('button', { name: 'add', exact: true }).click();
  await page.keyboard.press('Home');
  await isPaused(page);
  await expect(panel).toContainText('It would be accepted: 4 states would change.');
  await expect(panel.locator('dd').first()).toHaveText('Broken');
});

test('matrix has the relations by letter, what was called and what ticked', async ({ page, start }) => {
  const { toggle } = await courier(page, start);
  await toggle('Broken', 1);
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('2');
  const panel = page.getByRole('tabpanel', { name: 'Matrix' });
  const cells = (row) => panel.locator(`tr[data-row="${row}"] td`);
  await expect(cells('Ready')).toHaveText(['q', '·', 'q', '·', '·', '·']);
  await expect(cells('Connected')).toHaveText(['·', 'q', '·', '·', '·', '·']);
  await expect(cells('Broken')).toHaveText(['·', 'r', '·', '·', '·', '·']);
  await expect(cells('ticks changed')).toHaveText(['', '1', '1', '1', '1', '']);
  await expect(cells('called')).toHaveText(['', '', '', '', '', '']);
});

test('D25 keys step by change, by state, by fifty, to the ends', async ({ page, start }) => {
  test.setTimeout(180_000);
  const { toggle } = await courier(page, start);
  for (const tick of [1, 2, 3, 4]) await toggle('Broken', tick);
  await toggle('Start', 2);
  await toggle('Broken', 5);
  const last = await rainRows(page).count();
  expect(last).toBeGreaterThanOrEqual(7);
  await stateInView(page, 'Start').focus();
  const row = async () => Number((await atCursor(page).getAttribute('aria-rowindex'))) - 2;
  const lands = (at) => expect.poll(row).toBe(at);
  await page.keyboard.press(',');
  await isPaused(page);
  await lands(last - 2);
  await expect(stateInView(page, 'Start')).toHaveAttribute('data-tick', '2');
  await expect(stateInView(page, 'Broken')).toHaveAttribute('data-tick', '4');
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('ArrowLeft');
  await lands(last - 3);
  await page.keyboard.press('.');
  await lands(last - 2);
  await page.keyboard.press('Shift+ArrowLeft');
  await lands(0);
  await page.keyboard.press('End');
  await lands(last - 1);
  await page.keyboard.press('Home');
  await lands(0);
  await page.keyboard.press('y');
  await expect(page.getByRole('region', { name: 'Why' })).toBeFocused();
  const open = page.locator('[role="treeitem"][aria-expanded="true"]');
  await expect(open).not.toHaveCount(0);
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('x');
  await expect(open).toHaveCount(0);
  await page.keyboard.press('x');
  await expect(open).not.toHaveCount(0);
});

test('a long history keeps few rows in the document', async ({ page, start }) => {
  test.setTimeout(240_000);
  const { toggle } = await courier(page, start);
  for (let tick = 1; tick <= 70; tick += 1) await toggle('Broken', tick);
  const total = Number(await rain(page).getAttribute('aria-rowcount')) - 1;
  expect(total).toBe(71);
  expect(await rainRows(page).count()).toBeLessThanOrEqual(60);
  await expect(atCursor(page)).toBeInViewport();
  await page.keyboard.press('Home');
  await expect(atCursor(page)).toHaveAttribute('aria-rowindex', '2');
  await expect(atCursor(page)).toBeInViewport();
  await rain(page).focus();
  await page.keyboard.press('ArrowDown');
  await expect(atCursor(page)).toHaveAttribute('aria-rowindex', '3');
});

test('the tab’s own machine is local: its transitions have numbers, calls and reasons', async ({ page, start }) => {
  const relay = await start.relay();
  await page.goto(relay.url);
  const own = page.locator('[data-machine][data-own]').first();
  await own.click({ timeout: FOLLOWED });
  await expect(page.locator('.machine-head .fidelity')).toHaveText('Local');
  await expect(rain(page).locator('[data-kind="first"]')).toHaveCount(1); // it never restarted
  const transitions = rain(page).locator('[data-kind="executed"], [data-kind="auto"]');
  await expect(transitions.first()).toBeVisible({ timeout: FOLLOWED });
  await expect(transitions.first()).toHaveAccessibleName(/^\d+, (add|remove|set|auto) \w+.*, executed/);
  await transitions.last().click();
  await isPaused(page);
  await expect(change(page).getByRole('heading', { level: 2 })).toHaveText(/^#\d+ (add|remove|set|auto) \w+/);
  await expect(change(page)).toContainText('executed');
  await expect(change(page)).toContainText(/t\d+ → t\d+/);
});

test.describe('360 × 780', () => {
  test.use({ viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true });

  test('States, Rain and Change are tabs', async ({ page, start }) => {
    const { toggle } = await courier(page, start);
    await toggle('Broken', 1);
    await expect(rain(page)).toBeHidden();
    const tabs = page.getByRole('group', { name: 'Parts of the view' });
    await tabs.getByRole('button', { name: 'Rain' }).tap();
    await expect(rainRows(page).last()).toBeVisible();
    await expect(stateInView(page, 'Ready')).toBeHidden();
    await rainRows(page).first().tap();
    await isPaused(page);
    await tabs.getByRole('button', { name: 'Change' }).tap();
    await expect(change(page)).toContainText('First seen');
    expect(await sideways(page)).toEqual([]);
    await tabs.getByRole('button', { name: 'States' }).tap();
    await expect(stateInView(page, 'Ready')).toHaveAttribute('data-active', 'true');
  });
});
