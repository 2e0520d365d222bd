// Compare: two runs that differ (D49), snapshots against a trace (D50), links, alignment by hand, keys, phone.
import { test, expect, machineRow, sideways, stateInView } from '../support/fixtures.mjs';
import { recording } from '../support/smesh.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const STATES = ['Idle', 'Driving', 'AtStop', 'RouteLost', 'Waiting'];
/** 100 transitions. */
const ROUND = Array.from({ length: 25 }, () => ['+Driving', '+AtStop', '-AtStop', '-Driving']).flat();
const A = { id: 'courier-17', states: STATES, steps: [...ROUND, '+RouteLost', '+Waiting', '-Driving', '+Idle'] };
const B = { id: 'courier-17', states: STATES, steps: [...ROUND, '+AtStop', '-Driving', ['+Idle', 20_000]], every: 110 };

const side = (page, letter) => page.locator(`.compare-side[data-side="${letter}"]`);
const headline = (page) => page.getByRole('heading', { level: 1 });
const grid = (page) => page.getByRole('grid', { name: 'Rows of A and B' });
const rows = (page, is) => grid(page).locator(is ? `[data-is="${is}"]` : '[data-is]');
const fold = (page) => rows(page, 'fold').first();
const pick = (page, letter) => side(page, letter).locator('summary').click();

/** Chooses a file that was made by hand. */
async function choose(page, letter, made, name) {
  await pick(page, letter);
  const file = { name, mimeType: 'application/octet-stream', buffer: recording(made) };
  await side(page, letter).getByLabel('Recording to compare').setInputFiles(file);
  await expect(side(page, letter).locator('.compare-panel')).toBeHidden();
  await expect(side(page, letter)).toContainText(name);
}

/** Compares both, and nothing else is looked at. */
async function compared(page, start) {
  const relay = await start.relay();
  await page.goto(`${relay.url}compare`);
  await expect(headline(page)).toHaveText('Choose two moments, runs or machines to compare.');
  await choose(page, 'A', A, 'monday.smesh');
  await expect(headline(page)).toHaveText('Now choose B.');
  await choose(page, 'B', B, 'thursday.smesh');
  await expect(headline(page)).toHaveText('Same until #100. At #101 A added RouteLost, B added AtStop.');
  return relay;
}

test('D49 two runs that differ at one transition', async ({ page, start }) => {
  await compared(page, start);
  await expect(side(page, 'A')).toContainText(/courier-17 monday\.smesh, .* to .*, full trace/);

  // What is equal is one line, until it is opened.
  await expect(fold(page)).toContainText('96 equal transitions');
  await expect(rows(page, 'same')).toHaveCount(5);
  await expect(rows(page, 'different')).toHaveText(/101.*add RouteLost.*different.*101.*add AtStop/);
  await expect(rows(page, 'different')).toHaveClass(/first/);
  await expect(rows(page, 'only')).toHaveText(/102.*add Waiting.*only A/);
  await expect(rows(page, 'slower')).toHaveText(/104.*add Idle.*slower in B.*103.*add Idle/);
  await expect(rows(page, 'end')).toContainText('104 transitions');
  await fold(page).getByRole('button').click();
  await expect(fold(page).getByRole('button')).toHaveAttribute('aria-expanded', 'true');
  await expect(grid(page)).toHaveAttribute('aria-rowcount', '106');
  expect(await rows(page).count()).toBeLessThan(80);

  // How both end.
  const states = page.locator('.compare-states');
  await expect(states.getByRole('row', { name: /RouteLost/ })).toHaveText(/RouteLost.*on.*tick 1.*once.*off.*tick 0/);
  await expect(states).toContainText('2 states are the same in both.');

  // The address names both, and the page shows what it showed.
  await expect(page).toHaveURL(/\/compare#v=1&id=courier-17%?4?0?@?.*&cmp=id=courier-17/);
  await expect(page.locator('[data-connection]').first()).not.toHaveAttribute('data-connection', 'recording');

  await page.getByRole('button', { name: 'Go to first difference' }).click();
  await expect(page.locator('.machine-view h1')).toHaveText('courier-17');
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await expect(page.getByRole('grid', { name: 'Transitions' }).locator('[aria-selected="true"]')).toContainText('RouteLost');
  await expect(stateInView(page, 'RouteLost')).toHaveAttribute('data-active', 'true');
  await expect(stateInView(page, 'Waiting')).toHaveAttribute('data-active', 'false');

  // The way back, by a key: both are still there.
  await page.locator('#main').focus();
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await expect(headline(page)).toHaveText('Same until #100. At #101 A added RouteLost, B added AtStop.');
  await page.getByRole('button', { name: 'Swap' }).click();
  await expect(headline(page)).toHaveText('Same until #100. At #101 A added AtStop, B added RouteLost.');
});

test('D50 snapshots against a trace say which side has less', async ({ page, start }) => {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'courier-17', states: STATES, tags: ['host:van'] });
  await page.goto(relay.url);
  await machineRow(page, scripted.peer, 'courier-17').click({ timeout: FOLLOWED });
  for (const state of ['Idle', 'Driving', 'RouteLost']) {
    await expect(stateInView(page, state)).toHaveAttribute('data-active', 'false', { timeout: FOLLOWED });
    scripted.tell({ do: 'toggle', id: 'courier-17', state });
    await expect(stateInView(page, state)).toHaveAttribute('data-active', 'true', { timeout: FOLLOWED });
  }
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await expect(headline(page)).toHaveText('Now choose B.');
  await expect(side(page, 'A')).toContainText('courier-17');
  await choose(page, 'B', { ...B, steps: ['+Idle', '+Waiting', '-Waiting', '+Driving', '+AtStop'] }, 'trace.smesh');
  await expect(headline(page)).toHaveText(/^Same until [\d:.]+ in A, #4 in B\. At [\d:.]+ A turned RouteLost on, B did not\.$/);
  await expect(page.locator('.compare-notes')).toContainText(
    'A has snapshots only, B a full trace: compared is which states were on. What was seen between two snapshots is no difference.',
  );
  await expect(side(page, 'A')).toContainText('snapshots only');
  await expect(rows(page, 'only')).toHaveCount(1);
  await expect(grid(page)).toContainText('between snapshots of A');

  // What came since is offered, and nothing moves by itself.
  scripted.tell({ do: 'toggle', id: 'courier-17', state: 'Waiting' });
  await page.getByRole('button', { name: /^Compare again: 1 more since$/ }).click({ timeout: FOLLOWED });
  await expect(rows(page, 'only')).toHaveCount(2);

  // The link of it, opened anew, asks for the recording.
  const address = page.url();
  expect(address).toContain('&cmp=id=courier-17');
  await page.goto('about:blank');
  await page.goto(address);
  await expect(side(page, 'A')).toContainText('courier-17 live', { timeout: FOLLOWED });
  await expect(side(page, 'B')).toContainText("is not in this page's history. Open the recording it is in.");
});

test('rows are chosen by hand, and by keys', async ({ page, start }) => {
  await compared(page, start);
  await page.getByRole('combobox', { name: 'Align by' }).selectOption('hand');
  await rows(page, 'only').getByRole('button', { name: '102' }).click();
  await rows(page, 'different').getByRole('button', { name: '101' }).last().click();
  await expect(headline(page)).toHaveText(/^Different from the start\. At #102 A added Waiting, at #101 B added AtStop\.$/);
  await expect(page.locator('.compare-how')).toContainText('aligned by hand');
  await page.getByRole('combobox', { name: 'Align by' }).selectOption('start');
  await expect(headline(page)).toHaveText(/^Same until #100\./);

  // Up from the first difference, to what is folded, and into it.
  await grid(page).focus();
  for (let n = 0; n < 5; n += 1) await page.keyboard.press('ArrowUp');
  await expect(fold(page)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(fold(page).getByRole('button')).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(page.locator('.machine-view h1')).toHaveText('courier-17');
});

test('on a phone rows are stacked, and nothing scrolls sideways', async ({ page, start }) => {
  await page.setViewportSize({ width: 360, height: 780 });
  await compared(page, start);
  const row = rows(page, 'different');
  const [a, b] = await row.locator('.compare-cell').evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().top));
  expect(b).toBeGreaterThan(a);
  expect(await sideways(page)).toEqual([]);
});
