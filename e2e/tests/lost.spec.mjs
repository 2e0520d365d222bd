// The relay goes away, with and without a word, and comes back, as another process or as the same one (D31).
import { test, expect, connection, machineRow, onlyTransport, remoteMachines, stateInView } from '../support/fixtures.mjs';
import { links } from '../support/metrics.mjs';

/** Not live 3 s after the relay died, however it died. */
const NOTICED = 30_000;
/** Back 2 s after the relay is. */
const REJOINED = 20_000;
/** What is new in the mesh afterwards is on screen. */
const FOLLOWED = 30_000;

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
  test(`D32 two relays, one dies: the tab goes on over the other, which it has only heard of, over ${transport}`, async ({ page, start }) => {
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

test('D31 what was seen before a loss can be looked at after it, and the bar says what came meanwhile', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  await page.goto(relay.url);
  await machineRow(page, scripted.peer, 'lamp').click({ timeout: FOLLOWED });
  const lamp = stateInView(page, 'On');
  await expect(lamp).toHaveAttribute('data-tick', '0');
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await expect(lamp).toHaveAttribute('data-tick', '1', { timeout: FOLLOWED });
  await relay.program.kill();
  await expect(page.getByText(/^Connection to .* lost/)).toBeVisible({ timeout: NOTICED });
  await expect(page.getByRole('button', { name: 'Try now' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Use another relay' })).toBeVisible();
  // Nobody but its owner sees these two.
  for (let change = 0; change < 2; change += 1) scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  const told = expect(page.getByText(/^Back after .* s\. 2 changes came at once, 1 machine has a gap\.$/)).toBeVisible({ timeout: NOTICED + REJOINED });
  await relay.restart();
  await expect(lamp).toHaveAttribute('data-tick', '3', { timeout: NOTICED + FOLLOWED });
  await told;
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(lamp, 'before the loss').toHaveAttribute('data-tick', '1');
  await page.keyboard.press('Shift+L');
  await expect(lamp).toHaveAttribute('data-tick', '3');
});

test('D34 an owner that restarts begins a second run, and nothing in it is negative', async ({ page, start }, info) => {
  await onlyTransport(page, 'ws');
  const relay = await start.relay();
  const key = info.outputPath('identity.key');
  const first = await start.scripted(relay, '--key', key);
  const lampOf = (scripted) => scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  lampOf(first);
  await page.goto(relay.url);
  await machineRow(page, first.peer, 'lamp').click({ timeout: FOLLOWED });
  const lamp = stateInView(page, 'On');
  for (let tick = 1; tick <= 3; tick += 1) {
    first.tell({ do: 'toggle', id: 'lamp', state: 'On' });
    await expect(lamp).toHaveAttribute('data-tick', String(tick), { timeout: FOLLOWED });
  }
  await first.kill();
  const second = await start.scripted(relay, '--key', key);
  expect(second.peer).toBe(first.peer);
  lampOf(second);
  await expect(lamp).toHaveAttribute('data-tick', '0', { timeout: NOTICED + FOLLOWED });
  second.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await expect(lamp).toHaveAttribute('data-tick', '1', { timeout: FOLLOWED });
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(lamp).toHaveAttribute('data-tick', '0');
  await expect(page.getByText('Earlier transitions belong to epoch 1.')).toBeVisible();
  await expect(page.getByText(/-\d+ ticks?/)).toHaveCount(0);
});

/** In the page: every state of the connection from now on, however short. */
function noteConnections() {
  globalThis.connections = [];
  const note = () => {
    const states = [...document.querySelectorAll('[data-connection]')].map(mark => mark.dataset.connection);
    globalThis.connections.push(...states);
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, attributeFilter: ['data-connection'] });
}
