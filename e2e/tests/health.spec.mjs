// How machines are told to be: hosts that fall silent (D08), machines that stop (D09), errors nobody saw (D11).
import { test, expect, connection, machineRow } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;
/** Six programs start, join and work. */
const AT_WORK = 120_000;
/** A peer that promised a word every five seconds is waited for two and a half times as long; ten times that. */
const SILENT = 125_000;
/** A machine that stopped is waited for five seconds, or four times its longest pause; ten times that. */
const QUIET = 50_000;

const HOSTS = ['hub-fra', 'hub-muc', 'depot-ber', 'depot-ham', 'van-17', 'kiosk-03'];

const headline = (page) => page.locator('.verdict h1');
const attention = (page) => page.locator('[data-attention]');
/** In the page: what rows say of each machine's health, one after the other. */
function noteHealth() {
  globalThis.healths = {};
  const note = () => {
    for (const row of document.querySelectorAll('.fleet a.row')) {
      const told = (globalThis.healths[row.querySelector('.machine').textContent] ??= []);
      if (told.at(-1) !== row.dataset.health) told.push(row.dataset.health);
    }
  };
  new MutationObserver(note).observe(document.querySelector('.fleet'), { subtree: true, childList: true, attributes: true });
  note();
}

test('D08 all machines are fine until a host is killed, which is one row and five machines that are not fine', async ({ page, start }) => {
  test.setTimeout(AT_WORK + SILENT + 60_000);
  const relay = await start.relay('--topic', 'parcel-eu');
  const hosts = {};
  for (const name of HOSTS) hosts[name] = await start.host(relay, name);
  await page.goto(relay.url);
  await expect(headline(page)).toHaveText('All 30 machines are fine', { timeout: AT_WORK });
  await expect(attention(page)).toHaveCount(0);
  await page.evaluate(noteHealth);

  await hosts['kiosk-03'].kill();
  await expect(headline(page)).toHaveText('1 host is silent', { timeout: SILENT });
  await expect(attention(page)).toHaveCount(1);
  await expect(attention(page)).toHaveAttribute('data-attention', 'stale');
  await expect(attention(page)).toContainText('Silent host');
  await expect(attention(page)).toContainText('kiosk-03');
  await expect(attention(page)).toContainText('5 machines');
  await expect(page.locator('[data-count="ok"]')).toHaveText(/25/);
  // Stale, and gone when its link is lost, too, which may be noticed first: none is said to be well again.
  const healths = Object.entries(await page.evaluate(() => globalThis.healths)).filter(([name]) => !name.startsWith('peer-'));
  const fine = healths.filter(([, told]) => told.join() === 'ok').map(([name]) => name);
  expect(fine.length).toBe(25);
  const silent = healths.filter(([name]) => !fine.includes(name));
  expect(silent.map(([name]) => name).sort()).toEqual(['door-03', 'kiosk-03', 'pay-03', 'print-03', 'scan-03']);
  for (const [name, told] of silent) expect(told.join(' then '), name).toMatch(/^ok then (stale|gone|stale then gone)$/);
});

test('D09 a machine that stops is quiet, those that go on are not', async ({ page, start }) => {
  const relay = await start.relay();
  const van = await start.scripted(relay);
  for (const id of ['courier-1', 'courier-2']) {
    van.tell({ do: 'expose', id, states: ['Start', 'Ready', 'Busy'], tags: ['host:van'], active: ['Start', 'Ready'] });
  }
  const work = (id) => van.tell({ do: 'toggle', id, state: 'Busy' });
  await page.goto(relay.url);
  const [stops, goesOn] = ['courier-1', 'courier-2'].map((id) => machineRow(page, van.peer, id));
  await expect(goesOn).toHaveAttribute('data-health', 'ok', { timeout: FOLLOWED });
  const ticks = async (row) => Number((await row.locator('.ticks').textContent()).replace(/\D/g, ''));
  // Fifty changes, in some words of their owner.
  await expect
    .poll(async () => (['courier-1', 'courier-2'].forEach(work), Math.min(await ticks(stops), await ticks(goesOn))), { timeout: AT_WORK, intervals: [100] })
    .toBeGreaterThan(60);
  await expect(headline(page)).toHaveText('All 2 machines are fine');
  await expect.poll(async () => (work('courier-2'), stops.getAttribute('data-health')), { timeout: QUIET, intervals: [200] }).toBe('quiet');
  await expect(goesOn).toHaveAttribute('data-health', 'ok');
  await expect(attention(page)).toHaveCount(1);
  await expect(attention(page)).toHaveAttribute('data-attention', 'quiet');
  await expect(attention(page)).toContainText('courier-1');
  await expect(headline(page)).toHaveText('1 machine needs attention');
  // Its owner is heard all the time.
  await expect(page.locator('[data-health="stale"]')).toHaveCount(0);
  work('courier-1');
  await expect(stops).toHaveAttribute('data-health', 'ok', { timeout: FOLLOWED });
});

test('D11 an error between two snapshots is told though nobody saw it', async ({ page, start }) => {
  const relay = await start.relay();
  const van = await start.scripted(relay);
  for (const id of ['courier-1', 'courier-2']) {
    van.tell({ do: 'expose', id, states: ['Start', 'Ready', 'ErrRoad'], tags: ['host:van'], active: ['Start', 'Ready'] });
  }
  await page.goto(relay.url);
  const [failed, fine] = ['courier-1', 'courier-2'].map((id) => machineRow(page, van.peer, id));
  await expect(failed.locator('.ticks')).toHaveText('2', { timeout: FOLLOWED });
  await expect(fine).toHaveAttribute('data-health', 'ok', { timeout: FOLLOWED });
  await page.evaluate(() => {
    globalThis.errors = 0;
    const look = () => (globalThis.errors += document.querySelectorAll('[data-health="error"], [data-attention="error"]').length);
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  });
  // Without the relay no word gets through.
  await relay.program.kill();
  await expect(connection(page, 'live')).toHaveCount(0, { timeout: FOLLOWED });
  for (const tick of [1, 2]) {
    van.tell({ do: 'toggle', id: 'courier-1', state: 'ErrRoad' });
    await van.line((line) => line.event === 'changed' && line.tick === tick);
  }
  await relay.restart();
  await expect(failed.locator('.ticks')).toHaveText('4', { timeout: 2 * FOLLOWED });
  await expect(failed).toHaveAttribute('data-health', 'ok');
  const head = page.locator('.machine-head');
  await failed.click();
  await expect(head).toContainText(/OK, recovered \d+(\.\d)?(-\d+)? m?s ago/);
  await page.getByRole('link', { name: /courier-2/ }).click();
  await expect(head).toContainText('courier-2');
  await expect(head).not.toContainText('recovered');
  expect(await page.evaluate(() => globalThis.errors), 'times it was shown as active').toBe(0);
});
