// What the page shows is what the owners have: against `watch --json` (D13), of a Go peer (D12), of hostile names
// (D20), and in two tabs at once.
import { test, expect, connection, machineRow, remoteMachines, shownStates, sideways, stateInView } from '../support/fixtures.mjs';

/** A change is on screen 400 ms later; a Go peer's machine 10 s after its start, its changes 7 s later. */
const FOLLOWED = 15_000;
const GO_LEARNED = 100_000;
const GO_FOLLOWED = 70_000;

test('D13 every state of every machine: glyph, tick and word agree with the owner', async ({ page, demoRelay, start }) => {
  test.setTimeout(600_000); // some thirty machines, one after the other
  const watch = await start.watch(demoRelay);
  await page.goto(demoRelay.url);
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible();
  // All machines of the demo, as soon as the page knows as many as `watch` does.
  const known = () => new Set(watch.lines.filter((line) => line.event === 'machine').map((line) => `${line.peer}/${line.machine}`));
  await watch.line((line) => line.event === 'clock');
  await expect.poll(async () => (await ids(page)).filter((id) => known().has(id)).length >= 12).toBe(true);

  for (const id of (await ids(page)).filter((id) => known().has(id))) {
    const at = id.indexOf('/');
    const [peer, machine] = [id.slice(0, at), id.slice(at + 1)];
    // From the second on, the list beside the machine in view; hosts' own machines are on the Overview alone.
    const row = machineRow(page, peer, machine);
    if (!(await row.isVisible())) await page.getByRole('link', { name: 'Overview', exact: true }).first().click();
    await row.click();
    await expect(page.getByRole('heading', { level: 1, name: machine })).toBeVisible();
    await expect
      .poll(async () => {
        const shown = await shownStates(page);
        const { states, clocks } = watch.history(peer, machine);
        if (shown.some(({ active, tick }) => active !== (tick % 2 === 1))) return 'parity and mark differ';
        const ticks = new Map(shown.map(({ state, tick }) => [state, tick]));
        if (ticks.size !== states.length || !states.every((state) => ticks.has(state))) return `states differ: ${[...ticks.keys()]} and ${states}`;
        const clock = states.map((state) => ticks.get(state));
        const had = clocks.some((known) => known.every((tick, index) => tick === clock[index]));
        return had ? 'equal' : `${machine} never had ${clock}`;
      }, { message: id, timeout: FOLLOWED })
      .toBe('equal');
  }
});

test('D12 a Go peer’s machine is shown as snapshots', async ({ page, start }) => {
  const relay = await start.relay();
  const go = await start.goPeer(relay, '-name', 'go-worker', '-every', '2s');
  const { peer } = go.lines.find((line) => line.event === 'joined');
  await page.goto(relay.url);
  const row = machineRow(page, peer, 'go-worker');
  await expect(row).toBeVisible({ timeout: GO_LEARNED });
  // The change lies between two snapshots: its age is a range.
  await expect(row).toContainText(/\d+(\.\d+)?\s*[-–]\s*\d+(\.\d+)? (ms|s|min)/, { timeout: GO_FOLLOWED });
  await row.click();
  await expect(stateInView(page, 'Busy')).toHaveAttribute('data-tick', /^[2-9]|\d\d/, { timeout: GO_FOLLOWED });
  await expect(page.getByText(/ticks/).first()).toBeVisible();
  await expect(page.getByText(/#\d+ (add|remove|set)/)).toHaveCount(0);
});

test('D20 hostile names are text, isolated and cut', async ({ context, page, start }) => {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  const names = {
    markup: '<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>',
    long: 'L'.repeat(10_240),
    rtl: '\u202Eevil\u202C exe',
    emoji: '🚚👩‍👩‍👧‍👦🇩🇪',
    nul: 'nul\u0000byte\u001b[31m',
  };
  const dialogs = [];
  page.on('dialog', (dialog) => (dialogs.push(dialog.message()), dialog.dismiss()));
  await page.goto(relay.url);
  for (const name of Object.values(names)) {
    scripted.tell({ do: 'expose', id: name, tags: [`host:${name}`], states: ['Start', `S ${name}`], active: ['Start', `S ${name}`] });
  }
  const rows = page.locator(`[data-machine^="${scripted.peer}/"]`);
  // The peer's own lifecycle machine is on its host's line.
  const machines = Object.keys(names).length + 1;
  await expect(rows).toHaveCount(machines, { timeout: FOLLOWED });
  await expectIntact(page, dialogs);
  const shown = (await rows.allInnerTexts()).join('\n');
  expect(shown).toContain('<img src=x');
  expect(shown).toContain('🚚');
  expect(shown).toContain('\uFFFD');
  expect(shown).toMatch(/L{60}/);
  expect(shown).not.toMatch(/\u0000|\u001b|L{65}/);
  const unbound = await rows.getByText('evil').evaluateAll((elements) => elements.filter((element) => !element.closest('bdi')).length);
  expect(unbound, 'names that could turn the text around them').toBe(0);

  for (let index = 0; index < machines; index += 1) {
    await page.goto(relay.url);
    await expect(rows).toHaveCount(machines, { timeout: FOLLOWED });
    await rows.nth(index).click();
    await expect(stateInView(page, 'Start')).toBeVisible();
    await expectIntact(page, dialogs);
  }
  // Another tab beside the longest name.
  const other = await context.newPage();
  await other.goto(relay.url);
  await page.goto(`${relay.url}peers`);
  await expect(connection(page, 'live')).toBeVisible();
  const otherTab = page.locator('tr[data-peer]', { has: page.locator('.known', { hasText: 'first hand' }) });
  await expect(otherTab.filter({ has: page.locator('.role', { hasText: 'tab' }) }).first()).toBeVisible({ timeout: FOLLOWED });
  await expect(page.locator(`[data-peer="${scripted.peer}"]`)).toContainText('<img', { timeout: FOLLOWED });
  await expectIntact(page, dialogs);
});

test('two tabs of one browser see the same machines', async ({ context, start }) => {
  const relay = await start.relay();
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  const tabs = [await context.newPage(), await context.newPage()];
  for (const tab of tabs) {
    await tab.goto(relay.url);
    await machineRow(tab, scripted.peer, 'lamp').click({ timeout: FOLLOWED });
    await expect(stateInView(tab, 'On')).toHaveAttribute('data-active', 'false');
  }
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  for (const tab of tabs) {
    await expect(stateInView(tab, 'On')).toHaveAttribute('data-active', 'true', { timeout: FOLLOWED });
  }
  // Each tab knows the relay, the scripted peer and the other tab.
  for (const tab of tabs) {
    await tab.goto(`${relay.url}peers`);
    await expect(connection(tab, 'live')).toBeVisible();
  }
  const own = await Promise.all(tabs.map((tab) => tab.locator('tr[data-peer]', { hasText: 'this tab' }).first().getAttribute('data-peer')));
  expect(own[0]).not.toBe(own[1]);
  await expect(tabs[0].locator(`[data-peer="${own[1]}"]`)).toBeVisible({ timeout: FOLLOWED });
  await expect(tabs[1].locator(`[data-peer="${own[0]}"]`)).toBeVisible({ timeout: FOLLOWED });
});

test('the whole road: a Go peer’s machine, a change, the relay killed and back', async ({ page, start }) => {
  const relay = await start.relay('--demo', '--calm');
  const go = await start.goPeer(relay, '-name', 'go-road');
  const { peer } = go.lines.find((line) => line.event === 'joined');
  await page.goto(relay.url);
  await machineRow(page, peer, 'go-road').click({ timeout: GO_LEARNED });
  const busy = stateInView(page, 'Busy');
  await expect(busy).toHaveAttribute('data-active', 'false');
  go.tell('add Busy');
  await expect(busy).toHaveAttribute('data-active', 'true', { timeout: GO_FOLLOWED });

  await relay.program.kill();
  await expect(connection(page, 'live')).toHaveCount(0);
  await expect(busy).toHaveAttribute('data-active', 'true');
  await relay.restart();
  await expect(connection(page, 'live')).toBeVisible({ timeout: FOLLOWED });
  // A Go peer dials once: a new one stands for the one that was cut off.
  const next = await start.goPeer(relay, '-name', 'go-again');
  const { peer: nextPeer } = next.lines.find((line) => line.event === 'joined');
  await page.goto(relay.url);
  await machineRow(page, nextPeer, 'go-again').click({ timeout: GO_LEARNED });
  next.tell('add Busy');
  await expect(stateInView(page, 'Busy')).toHaveAttribute('data-active', 'true', { timeout: GO_FOLLOWED });
});

async function ids(page) {
  return page.locator('[data-machine]:not([data-own])').evaluateAll((rows) => [...new Set(rows.map((row) => row.dataset.machine))]);
}

/** No script of a name ran, and nothing sticks out on a small or a large screen. */
async function expectIntact(page, dialogs) {
  const large = page.viewportSize();
  for (const size of [{ width: 360, height: 780 }, large]) {
    await page.setViewportSize(size);
    expect(await sideways(page), `${size.width} wide`).toEqual([]);
  }
  expect(dialogs).toEqual([]);
  const state = await page.evaluate(() => ({
    broken: globalThis.broken,
    images: document.querySelectorAll('img[src="x"]').length,
  }));
  expect(state).toEqual({ broken: undefined, images: 0 });
}
