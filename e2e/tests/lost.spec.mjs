// The relay goes away, with and without a word, and comes back, as another process or as the same one (D31).
import { test, expect, connection, machineRow, onlyTransport, remoteMachines, stateInView } from '../support/fixtures.mjs';
import { links } from '../support/metrics.mjs';

/** Not live 3 s after the relay died, however it died. */
const NOTICED = 30_000;
/** Back 2 s after the relay is. */
const REJOINED = 20_000;
/** What is new in the mesh afterwards is on screen. */
const FOLLOWED = 15_000;

for (const transport of ['ws', 'webrtc']) {
  for (const [death, back] of [['SIGKILL', 'restart'], ['SIGSTOP', 'restart'], ['SIGSTOP', 'SIGCONT']]) {
    test(`D31 ${death} of the relay over ${transport}, then ${back}: noticed, survived, rejoined`, async ({ page, start }) => {
      await onlyTransport(page, transport);
      const relay = await start.relay('--demo', '--calm');
      await page.goto(relay.url);
      const row = remoteMachines(page, relay).first();
      await expect(row).toBeVisible();
      await row.click();
      await expect(stateInView(page).first()).toBeVisible();
      const selected = page.url();
      const born = await page.evaluate(() => (globalThis.bornAt = performance.timeOrigin));

      relay.program.signal(death);
      await expect(connection(page, 'live')).toHaveCount(0, { timeout: NOTICED });
      await expect(page.getByText(/This is the last known state/)).toBeVisible({ timeout: NOTICED });
      await expect(stateInView(page).first()).toBeVisible();

      if (back === 'SIGCONT') {
        relay.program.signal('SIGCONT');
      } else {
        await relay.program.kill();
        await relay.restart();
      }
      await expect(connection(page, 'live').first()).toBeVisible({ timeout: REJOINED });
      expect(page.url(), 'the selection is kept').toBe(selected);
      expect(await page.evaluate(() => globalThis.bornAt), 'the page was not reloaded').toBe(born);

      // Live is more than a link: news arrive over it.
      const scripted = await start.scripted(relay);
      scripted.tell({ do: 'expose', id: 'newcomer', states: ['On'], tags: ['host:desk'] });
      await expect(machineRow(page, scripted.peer, 'newcomer')).toBeVisible({ timeout: FOLLOWED });
    });
  }
}

test('D31 the page says lost after 10 s and goes on trying', async ({ page, start }) => {
  const relay = await start.relay('--demo', '--calm');
  await page.goto(relay.url);
  await expect(connection(page, 'live')).toBeVisible();
  await relay.program.kill();
  await expect(connection(page, 'lost')).toBeVisible({ timeout: 130_000 });
  await relay.restart();
  await expect(connection(page, 'live')).toBeVisible({ timeout: 60_000 });
});

for (const transport of ['ws', 'webrtc']) {
  test(`a tab whose relay is gone goes on over another that it has heard of, over ${transport}`, async ({ page, start }) => {
    await onlyTransport(page, transport);
    const relay = await start.relay();
    const other = await start.relay('--connect', relay.url);
    const scripted = await start.scripted(other);
    scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
    const without = await links(other, transport);
    await page.goto(relay.url);
    await machineRow(page, scripted.peer, 'lamp').click({ timeout: FOLLOWED });
    await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '0');
    await expect(connection(page, 'live')).toBeVisible();
    await page.evaluate(noteConnections);
    const hasBoth = (await links(other, transport)) > without;
    await relay.program.kill();
    // What is said from here on can only come over the other, however short the time between was.
    scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
    await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '1', { timeout: NOTICED + REJOINED });
    await expect(connection(page, 'live')).toBeVisible({ timeout: REJOINED });
    // A tab that had both links already was live all the time.
    const seen = await page.evaluate(() => globalThis.connections);
    expect(hasBoth || seen.some(state => state !== 'live'), `the cut was shown: ${seen}`).toBe(true);
  });
}

/** In the page: every state of the connection from now on, however short. */
function noteConnections() {
  globalThis.connections = [];
  const note = () => {
    const states = [...document.querySelectorAll('[data-connection]')].map(mark => mark.dataset.connection);
    globalThis.connections.push(...states);
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, attributeFilter: ['data-connection'] });
}
