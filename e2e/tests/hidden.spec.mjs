// A tab in the background: its timers run once a minute, later it is frozen; when it comes back it is a member again.
import { test, expect, connection, machineRow, onlyTransport, stateInView } from '../support/fixtures.mjs';
import { canHide, freeze, hide, show } from '../support/background.mjs';
import { links, peers } from '../support/metrics.mjs';

/** How long the tab is hidden. */
const HIDDEN = process.env.STATEMESH_SLOW ? 600_000 : 90_000;
/** Changes meanwhile. */
const CHANGES = 9;
/** How long nothing in the tab runs. */
const FROZEN = 30_000;
/** A member 2 s after it came back. */
const REJOINED = 20_000;
/** What changed meanwhile is on screen. */
const FOLLOWED = 15_000;
/** A link without a sign of life is closed by the relay after 10 s. */
const CLOSED = 100_000;

test('D45 a hidden tab with one wake-up a minute stays a member, on its first link', async ({ page, start }) => {
  test.setTimeout(HIDDEN + 120_000);
  await onlyTransport(page, 'ws');
  await canHide(page);
  const { relay, scripted } = await joined(page, start);
  const own = await page.evaluate(() => performance.timeOrigin);
  await hide(page);
  for (let change = 0; change < CHANGES; change += 1) {
    scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
    // The time is what is tested.
    await new Promise((wake) => setTimeout(wake, HIDDEN / CHANGES));
    expect(await links(relay, 'ws'), 'the link of the hidden tab').toBe(1);
    expect(await peers(relay), 'the tab and the other peer').toBe(2);
  }
  expect(await page.evaluate(() => globalThis.slowedDown), 'timers that had to wait for the minute').toBeGreaterThan(1);
  const told = expect(page.getByText(/^This tab slept for .*Catching up/)).toBeVisible({ timeout: REJOINED });
  const stale = page.locator('[data-machine][data-health="stale"]');
  await page.evaluate(() => {
    globalThis.stale = 0;
    const look = () => (globalThis.stale += document.querySelectorAll('[data-machine][data-health="stale"]').length);
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  });
  await show(page);
  await told;
  await expect(connection(page, 'live')).toBeVisible({ timeout: REJOINED });
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', String(CHANGES), { timeout: FOLLOWED });
  expect(await page.evaluate(() => performance.timeOrigin), 'the page was not reloaded').toBe(own);
  expect(await page.evaluate(() => globalThis.stale), 'machines taken for stale').toBe(0);
  await expect(stale).toHaveCount(0);
});

for (const transport of ['ws', 'webrtc']) {
  test(`D45 a tab frozen for 30 s over ${transport} comes back and leaves no ghost`, async ({ page, start }) => {
    await onlyTransport(page, transport);
    const { relay, scripted } = await joined(page, start);
    const thaw = await freeze(page);
    const since = Date.now();
    scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
    await expect.poll(() => links(relay, transport), { timeout: CLOSED }).toBe(0);
    // The time is what is tested.
    await new Promise((wake) => setTimeout(wake, since + FROZEN - Date.now()));
    await thaw();
    await expect.poll(() => links(relay, transport), { timeout: REJOINED }).toBe(1);
    await expect(connection(page, 'live')).toBeVisible({ timeout: REJOINED });
    await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '1', { timeout: FOLLOWED });
    await expect.poll(() => peers(relay), { timeout: CLOSED, message: 'the tab, the other peer, no ghost' }).toBe(2);
  });
}

/** A tab that looks at a machine of another peer. */
async function joined(page, start) {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  await page.goto(relay.url);
  await machineRow(page, scripted.peer, 'lamp').click({ timeout: FOLLOWED });
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '0');
  return { relay, scripted };
}
