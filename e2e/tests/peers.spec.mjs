// Peers: who is known and how, what this tab shares and dials, and what of others' messages was refused (D33, D54).
import { test, expect, connection, machineRow, onlyTransport, sideways, stateInView } from '../support/fixtures.mjs';

/** What others say is on screen, the first time or anew. */
const FOLLOWED = 30_000;
/** A dial, an answer, and a link that shows. */
const LINKED = 30_000;
/** Ten times what a busy machine adds to the way of a message. */
const DELAY = 1_000;

/** The row of a peer. */
const row = (page, peer) => page.locator(`tr[data-peer="${peer}"]`);

/** The figure of a column, by its heading. */
async function cell(page, peer, heading) {
  const headings = page.locator('table thead th');
  await expect(headings.filter({ hasText: heading })).toBeVisible();
  return row(page, peer).locator('td').nth((await headings.allTextContents()).indexOf(heading));
}

async function lamp(start, ...args) {
  const relay = await start.relay();
  const scripted = await start.scripted(relay, ...args);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On'], tags: ['host:desk'] });
  const toggle = () => scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  return { relay, scripted, toggle };
}

test('peers: everyone known, in any order, filtered, and one in full', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const { relay, scripted } = await lamp(start);
  await page.goto(`${relay.url}peers`);
  await expect(row(page, scripted.peer)).toBeVisible({ timeout: FOLLOWED });
  await expect(await cell(page, scripted.peer, 'Transport')).toHaveText('QUIC', { timeout: FOLLOWED });
  await expect(await cell(page, scripted.peer, 'Hops')).toHaveText('2');
  await expect(await cell(page, scripted.peer, 'Known')).toHaveText('first hand');
  await expect(await cell(page, relay.peer, 'Known')).toHaveText('measured');
  await expect(await cell(page, relay.peer, 'Transport')).toHaveText('WebSocket');
  await expect(page.getByText(/^QUIC peers behind .*: 1, of them Go: 0$/)).toBeVisible();
  await expect(page.getByText('none: a tab cannot listen')).toBeVisible();

  const peers = () => page.locator('tr[data-peer]').evaluateAll((rows) => rows.map((row) => row.dataset.peer));
  const button = page.getByRole('button', { name: 'Hops' });
  await button.click();
  const near = await peers();
  await expect(page.locator('th', { has: button })).toHaveAttribute('aria-sort', 'ascending');
  await button.click();
  await expect(page.locator('th', { has: button })).toHaveAttribute('aria-sort', 'descending');
  expect(await peers()).toEqual([...near].reverse());
  await page.getByRole('searchbox', { name: 'Filter peers' }).fill('role:relay');
  await expect.poll(peers).toEqual([relay.peer]);
  await page.getByRole('searchbox', { name: 'Filter peers' }).fill('');

  await row(page, scripted.peer).getByRole('link').click();
  const panel = page.getByRole('complementary', { name: 'Selected peer' });
  await expect(panel.getByText(scripted.peer, { exact: true })).toBeVisible();
  await expect(panel.getByText(/^since \d\d:\d\d:\d\d$/).first()).toBeVisible();
  await panel.getByRole('link', { name: /lamp/ }).click();
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '0');
});

test('peers: as of the moment looked at, nobody was here before this page', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const { relay, scripted } = await lamp(start);
  await page.goto(`${relay.url}peers`);
  await expect(row(page, scripted.peer)).toBeVisible({ timeout: FOLLOWED });
  const slider = page.getByRole('slider', { name: 'Moment looked at' });
  const box = await slider.boundingBox();
  await slider.click({ position: { x: 1, y: box.height / 2 } });
  await expect(row(page, scripted.peer)).toHaveCount(0);
  await page.keyboard.press('Shift+L');
  await expect(row(page, scripted.peer)).toBeVisible();
});

test('peers: own machines are shared only while the switch is on', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const relay = await start.relay();
  const watch = await start.watch(relay);
  await page.goto(`${relay.url}peers`);
  await expect(connection(page, 'live')).toBeVisible({ timeout: LINKED });
  const own = await page.locator('tr[data-peer]', { hasText: 'this tab' }).getAttribute('data-peer');
  const share = page.getByRole('switch', { name: 'Share own machines' });
  await expect(share).toHaveAttribute('aria-checked', 'false');
  const known = () => watch.lines.filter((line) => line.peer === own && line.event === 'machine').length;
  await share.click();
  await expect.poll(known, { timeout: LINKED }).toBe(1);
  await share.click();
  await expect(share).toHaveAttribute('aria-checked', 'false');
  await watch.line((line) => line.peer === own && line.event === 'gone', { limit: LINKED });
  expect(known(), 'once').toBe(1);
});

test('peers: dials what is typed, says why not, leaves and comes back with its history', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const { relay, scripted, toggle } = await lamp(start);
  const other = await start.relay('--connect', relay.url);
  await page.goto(`${relay.url}peers`);
  await expect(row(page, scripted.peer)).toBeVisible({ timeout: FOLLOWED });
  const field = page.getByRole('textbox', { name: 'Address to dial' });
  const dial = page.getByRole('button', { name: 'Dial' });
  await field.fill('relay-fra');
  await dial.click();
  await expect(page.getByText(/This is not a relay address/)).toBeVisible();
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await field.fill(relay.about.addresses.find((address) => address.includes('/ws')).replace(/tcp\/\d+/, 'tcp/1'));
  await dial.click();
  await expect(page.getByText(/^No link: /)).toBeVisible({ timeout: LINKED });
  await field.fill(other.about.addresses.find((address) => address.includes('/ws')));
  await dial.click();
  await expect(page.getByText(/^Linked to …/)).toBeVisible({ timeout: LINKED });
  await expect(await cell(page, other.peer, 'Known')).toHaveText('measured', { timeout: LINKED });

  await page.getByRole('button', { name: 'Disconnect' }).click();
  await expect(page.getByText(/^You disconnected/)).toBeVisible();
  await expect(connection(page, 'live')).toHaveCount(0);
  toggle();
  await page.getByRole('button', { name: 'Connect again' }).first().click();
  await expect(connection(page, 'live')).toBeVisible({ timeout: LINKED });
  await page.getByRole('link', { name: 'Machines' }).first().click();
  await machineRow(page, scripted.peer, 'lamp').click();
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '1', { timeout: LINKED });
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(stateInView(page, 'On'), 'as it was before it left').toHaveAttribute('data-tick', '0');
});

test('peers: a relay of another mesh refuses', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const { relay, scripted } = await lamp(start);
  const other = await start.relay('--topic', 'parcel-us', '--allow-origin', new URL(relay.url).origin);
  await page.goto(`${relay.url}peers`);
  await expect(row(page, scripted.peer)).toBeVisible({ timeout: FOLLOWED });
  await page.getByRole('textbox', { name: 'Address to dial' }).fill(other.url);
  await page.getByRole('button', { name: 'Dial' }).click();
  await expect(page.getByText(/refused: it is for another mesh \(parcel-us\)\.$/)).toBeVisible({ timeout: LINKED });
});

test('settings: the key of this tab is new at each visit unless it is kept', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const relay = await start.relay();
  const own = async () => {
    await page.goto(`${relay.url}peers`);
    await expect(connection(page, 'live')).toBeVisible({ timeout: LINKED });
    return page.locator('tr[data-peer]', { hasText: 'this tab' }).getAttribute('data-peer');
  };
  const first = await own();
  const second = await own();
  expect(second).not.toBe(first);
  await page.locator('a.button[href="/settings"]').click();
  await page.locator('label', { hasText: 'new at each visit' }).locator('select').selectOption('kept');
  await expect(page.getByText(second, { exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Copy the key' })).toBeVisible();
  expect(await own(), 'kept').toBe(second);
  const another = await page.context().newPage();
  await onlyTransport(another, 'ws');
  await another.goto(`${relay.url}peers`);
  await expect(connection(another, 'live')).toBeVisible({ timeout: LINKED });
  expect(await another.locator('tr[data-peer]', { hasText: 'this tab' }).getAttribute('data-peer'), 'one tab at a time').not.toBe(second);
  await another.close();
  await page.locator('a.button[href="/settings"]').click();
  await page.getByRole('button', { name: 'Forget the key' }).click();
  expect(await page.evaluate(() => localStorage.getItem('statemesh:key'))).toBeNull();
  expect(await own(), 'forgotten').not.toBe(second);
});

test('D33 an owner whose clock is five seconds ahead: said so, and what is seen here keeps its place', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const { relay, scripted, toggle } = await lamp(start, '--clock-ahead', '5000');
  const right = await start.scripted(relay);
  right.tell({ do: 'expose', id: 'clock', states: ['On'], tags: ['host:wall'] });
  await page.goto(`${relay.url}peers`);
  const offset = async (peer) => {
    const text = await (await cell(page, peer, 'Clock offset')).textContent();
    const [, sign, ms, sure] = text.match(/^([+-]?)([\d\u202f]+) ± ([\d\u202f]+) ms$/) ?? [];
    return { ms: Number(`${sign}${ms?.replaceAll('\u202f', '')}`), sure: Number(sure?.replaceAll('\u202f', '')) };
  };
  await expect(await cell(page, scripted.peer, 'Clock offset')).toHaveText(/ms$/, { timeout: LINKED });
  await expect(await cell(page, right.peer, 'Clock offset')).toHaveText(/ms$/, { timeout: LINKED });
  // The fastest word of a minute tells it: on a busy machine the first one may have waited.
  const wrong = async (peer, ahead) => {
    const { ms, sure } = await offset(peer);
    return Math.abs(ms - ahead) - sure;
  };
  await expect.poll(() => wrong(scripted.peer, 5_000), { timeout: LINKED }).toBeLessThanOrEqual(DELAY);
  await expect.poll(() => wrong(right.peer, 0), { timeout: LINKED }).toBeLessThanOrEqual(DELAY);

  // On the axis of what is seen here nothing lies in the future or five seconds off.
  await page.getByRole('link', { name: 'Machines' }).first().click();
  await machineRow(page, scripted.peer, 'lamp').click();
  const before = Date.now();
  toggle();
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '1', { timeout: FOLLOWED });
  const took = Date.now() - before;
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowRight');
  const behind = await page.locator('[aria-label="Time"]').textContent();
  const seconds = Number(behind.match(/([\d.]+) s behind live/)?.[1] ?? 0);
  expect(seconds * 1_000).toBeLessThanOrEqual(took + 4_000);
});

test('D54 what is forged, changed, too large or no message is refused and counted, and changes nothing else', async ({ page, start }) => {
  await onlyTransport(page, 'ws');
  const { relay, scripted, toggle } = await lamp(start);
  await page.goto(`${relay.url}peers`);
  await expect(row(page, scripted.peer)).toBeVisible({ timeout: FOLLOWED });
  const dial = async (hostile) => {
    await page.getByRole('textbox', { name: 'Address to dial' }).fill(hostile.address);
    await page.getByRole('button', { name: 'Dial' }).click();
    await expect(page.getByText(`Linked to …${hostile.peer.slice(-8)}.`)).toBeVisible({ timeout: LINKED });
  };
  // The lamp, and what its peer says of itself.
  await expect(await cell(page, scripted.peer, 'Machines')).toHaveText('2', { timeout: FOLLOWED });
  const liar = await start.hostile(relay);
  const forger = await start.hostile(relay, scripted.peer);
  await dial(liar);
  await dial(forger);
  toggle();
  const refusals = page.locator('[data-refused]');
  for (const lie of ['garbage', 'oversize', 'changed']) {
    const [lies, forgeries] = [liar, forger].map((hostile) => hostile.lines.length);
    liar.tell(lie);
    forger.tell(lie);
    await liar.line((line) => line.startsWith?.(`sent ${lie}`), { after: lies });
    await forger.line((line) => line.startsWith?.(`sent ${lie}`), { after: forgeries });
  }
  await expect(refusals.filter({ hasText: /^\d+ messages? refused: wrong signature$/ })).toBeVisible({ timeout: LINKED });
  await expect.poll(async () => (await refusals.allTextContents()).length, { timeout: LINKED }).toBeGreaterThan(1);
  await expect(await cell(page, forger.peer, 'Refused')).not.toHaveText('0');
  await expect(await cell(page, scripted.peer, 'Machines')).toHaveText('2');
  await page.getByRole('link', { name: 'Machines' }).first().click();
  await machineRow(page, scripted.peer, 'lamp').click();
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '1', { timeout: FOLLOWED });
  toggle();
  await expect(stateInView(page, 'On')).toHaveAttribute('data-tick', '2', { timeout: FOLLOWED });
});

test('peers on a phone: cards, and nothing scrolls sideways', async ({ page, start }) => {
  await page.setViewportSize({ width: 360, height: 780 });
  await onlyTransport(page, 'ws');
  const { relay, scripted } = await lamp(start);
  await page.goto(`${relay.url}peers`);
  await expect(row(page, scripted.peer)).toBeVisible({ timeout: FOLLOWED });
  expect(await sideways(page)).toEqual([]);
  await row(page, scripted.peer).getByRole('link').click();
  await expect(page.getByRole('complementary', { name: 'Selected peer' })).toBeVisible();
  expect(await sideways(page)).toEqual([]);
});
