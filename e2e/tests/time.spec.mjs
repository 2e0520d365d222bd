// Back in time: one cursor for the whole page, and nothing in view moves while it does not.
import { test, expect, machineRow, stateInView } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const dock = (page) => page.locator('.dock');
const isLive = (page) => expect(dock(page)).toHaveAttribute('data-time', 'live');
const isPaused = (page) => expect(dock(page)).toHaveAttribute('data-time', 'paused');

async function lamp(start, state = 'On') {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: [state], tags: ['host:desk'] });
  return { relay, scripted, toggle: () => scripted.tell({ do: 'toggle', id: 'lamp', state }) };
}

test('D15 what was is shown as it was, and stays until live again', async ({ page, start }) => {
  const { relay, scripted, toggle } = await lamp(start);
  await page.goto(relay.url);
  const row = machineRow(page, scripted.peer, 'lamp');
  const ticks = row.locator('.ticks');
  for (const tick of [1, 2, 3]) {
    await expect(ticks).toHaveText(String(tick - 1), { timeout: FOLLOWED });
    toggle();
  }
  await expect(ticks).toHaveText('3', { timeout: FOLLOWED });
  await isLive(page);

  await page.keyboard.press('ArrowLeft');
  await isPaused(page);
  await expect(ticks).toHaveText('3');
  await page.keyboard.press('ArrowLeft');
  await expect(ticks).toHaveText('2');
  await expect(row.locator('[data-state="On"]')).toHaveCount(0);
  await page.keyboard.press('ArrowLeft');
  await expect(ticks).toHaveText('1');
  await expect(row.locator('[data-state="On"][data-tick="1"]')).toBeVisible();
  await expect(page.locator('.verdict h1')).toHaveText(/^At \d\d:\d\d:\d\d\.\d{3}/);

  // What comes meanwhile is counted and not shown.
  const since = async () => Number((await dock(page).textContent()).match(/live · (\d+) changes? since/)[1]);
  const before = await since();
  toggle();
  await expect.poll(since, { timeout: FOLLOWED }).toBeGreaterThan(before);
  await expect(ticks).toHaveText('1');

  await page.keyboard.press('Shift+L');
  await isLive(page);
  await expect(ticks).toHaveText('4');
});

test('D15 a click on a lane or on the timeline looks there', async ({ page, start }) => {
  const { relay, scripted } = await lamp(start);
  await page.goto(relay.url);
  const row = machineRow(page, scripted.peer, 'lamp');
  await expect(row).toBeVisible({ timeout: FOLLOWED });
  const lane = row.locator('canvas.lane');
  const { width, height } = await lane.boundingBox();
  await lane.click({ position: { x: width - 2, y: height / 2 } });
  await isPaused(page);
  expect(new URL(page.url()).pathname, 'a lane leads nowhere else').toBe('/');
  await page.getByRole('button', { name: 'Back to live' }).click();
  await isLive(page);

  const slider = page.getByRole('slider', { name: 'Moment looked at' });
  const box = await slider.boundingBox();
  await slider.click({ position: { x: 1, y: box.height / 2 } });
  await isPaused(page);
  // A minute ago this page was not open.
  await expect(page.locator('.verdict h1')).toHaveText(/no machine was known$/);
  await expect(row).toBeHidden();
  await expect(slider).toHaveAttribute('aria-valuetext', /, paused$/);
  await slider.press('End');
  await isLive(page);
  await expect(row).toBeVisible();
});

test('D16 while paused another machine is shown as it was at that moment', async ({ page, start }) => {
  const { relay, scripted, toggle } = await lamp(start);
  scripted.tell({ do: 'expose', id: 'door', states: ['Open'], tags: ['host:desk'] });
  const open = () => scripted.tell({ do: 'toggle', id: 'door', state: 'Open' });
  await page.goto(relay.url);
  const [lampTicks, doorTicks] = ['lamp', 'door'].map((id) => machineRow(page, scripted.peer, id).locator('.ticks'));
  // Lamp 1, door 1, lamp 2, door 2, door 3.
  for (const [turn, ticks, tick] of [[toggle, lampTicks, 1], [open, doorTicks, 1], [toggle, lampTicks, 2], [open, doorTicks, 2], [open, doorTicks, 3]]) {
    turn();
    await expect(ticks).toHaveText(String(tick), { timeout: FOLLOWED });
  }
  await machineRow(page, scripted.peer, 'lamp').click();
  const on = stateInView(page, 'On');
  await expect(on).toHaveAttribute('data-tick', '2');
  await page.keyboard.press('ArrowLeft');
  await isPaused(page);
  await expect(on).toHaveAttribute('data-tick', '2');
  const clock = await dock(page).locator('.clock').textContent();
  await page.getByRole('navigation', { name: 'Machines' }).getByRole('link', { name: /^door/ }).click();
  await expect(page.locator('.machine-view h1')).toHaveText('door');
  await expect(stateInView(page, 'Open'), 'its last record before').toHaveAttribute('data-tick', '1');
  await expect(page.locator('.facts')).toContainText('record 2 of 4');
  await isPaused(page);
  expect(await dock(page).locator('.clock').textContent()).toBe(clock);
  await page.keyboard.press('ArrowRight');
  await expect(stateInView(page, 'Open')).toHaveAttribute('data-tick', '2');
});

test('D07 an attention row leads to the machine as it was when it began', async ({ page, start }) => {
  const { relay, scripted, toggle } = await lamp(start, 'ErrBulb');
  await page.goto(relay.url);
  await expect(machineRow(page, scripted.peer, 'lamp')).toBeVisible({ timeout: FOLLOWED });
  toggle();
  const attention = page.locator('[data-attention="error"]');
  await expect(attention).toBeVisible({ timeout: FOLLOWED });
  await attention.focus();
  await page.keyboard.press('Enter');
  await isPaused(page);
  await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-tick', '1');
  toggle();
  // It goes on without the page.
  await expect.poll(() => dock(page).textContent(), { timeout: FOLLOWED }).toMatch(/[1-9]\d* changes? since/);
  await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-tick', '1');
  await page.keyboard.press('ArrowRight');
  await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-tick', '2');
  await page.keyboard.press('ArrowLeft');
  await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-active', 'true');
  await page.keyboard.press('Shift+L');
  await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-tick', '2');
});

test('e and Shift E lead to moments at which errors began; + - 0 change how much time the lanes show', async ({ page, start }) => {
  const { relay, scripted, toggle } = await lamp(start, 'ErrBulb');
  await page.goto(relay.url);
  const ticks = machineRow(page, scripted.peer, 'lamp').locator('.ticks');
  for (const tick of [1, 2, 3, 4]) {
    await expect(ticks).toHaveText(String(tick - 1), { timeout: FOLLOWED });
    toggle();
  }
  await expect(ticks).toHaveText('4', { timeout: FOLLOWED });
  for (const [key, tick] of [['Shift+E', '3'], ['Shift+E', '1'], ['Shift+E', '1'], ['e', '3'], ['e', '3']]) {
    await page.keyboard.press(key);
    await isPaused(page);
    await expect(ticks, key).toHaveText(tick);
  }
  const width = page.getByRole('combobox', { name: 'Window' });
  for (const [key, shown] of [['+', '10 s'], ['+', '10 s'], ['-', '60 s'], ['0', 'all'], ['-', 'all'], ['+', '1 h']]) {
    await page.keyboard.press(key);
    await expect(width.locator('option:checked'), key).toHaveText(shown);
  }
});
