// The network as the page draws it: who is there and how they are linked, now and at other moments.
import { test, expect } from '../support/fixtures.mjs';
import { links } from '../support/metrics.mjs';

/** A peer's list of links, from it to the screen of another. */
const FOLLOWED = 30_000;

const SHORT = 8;
const short = (peer) => peer.slice(-SHORT);
const between = (a, b) => [short(a), short(b)].sort().join(' ');
const node = (page, peer) => page.locator(`.graph [data-node="${peer}"]`);
const happened = (page, words) => page.locator('.event', { hasText: words });

/** Links as drawn: both ends and how they are known. */
async function drawn(page) {
  const edges = await page.locator('.edges path[data-from]').evaluateAll((paths) =>
    paths.map(({ dataset }) => [[dataset.from, dataset.to].sort().join(' '), dataset.class]));
  return Object.fromEntries(edges);
}

/** Links as the tables list them. */
async function listed(page) {
  const rows = await page.locator('.link-row').evaluateAll((rows) =>
    rows.map(({ dataset }) => [[dataset.from, dataset.to].sort().join(' '), dataset.class]));
  return Object.fromEntries(rows);
}

test('D46 D47 nodes and links are what is linked, at every cursor', async ({ page, start }) => {
  const one = await start.relay('--topic', 'two-relays');
  const two = await start.relay('--topic', 'two-relays', '--connect', one.quic);
  await page.goto(`${one.url}mesh`);
  const own = page.locator('.graph [data-kind="this tab"]');
  await expect(own).toBeVisible({ timeout: FOLLOWED });
  const tab = await own.getAttribute('data-node');
  await expect(node(page, one.peer)).toHaveAttribute('data-kind', 'relay', { timeout: FOLLOWED });
  await expect(node(page, two.peer)).toHaveAttribute('data-kind', 'relay', { timeout: FOLLOWED });

  // The tab may have found the second relay, too: that one says whether it did.
  const expected = async (more = {}) => {
    const toTwo = (await links(two, 'ws')) + (await links(two, 'webrtc'));
    return {
      [between(one.peer, two.peer)]: 'reported',
      [between(tab, one.peer)]: 'measured',
      ...(toTwo ? { [between(tab, two.peer)]: 'measured' } : {}),
      ...more,
    };
  };
  const areDrawn = (more) =>
    expect(async () => expect(await drawn(page)).toEqual(await expected(more))).toPass({ timeout: FOLLOWED });
  await areDrawn();
  await expect(page.locator('.graph [data-node]')).toHaveCount(3);
  const stood = await node(page, two.peer).boundingBox();

  // Later than what the page takes for having been there when it came, and than it arranges its view by itself.
  await page.waitForTimeout(10_000);
  const peer = await start.scripted(one);
  peer.tell({ do: 'expose', id: 'lamp', states: ['Start'], tags: ['host:desk'], active: ['Start'] });
  await expect(node(page, peer.peer)).toHaveAttribute('data-kind', 'host', { timeout: FOLLOWED });
  // It learns of the second relay on the mesh, and links to it.
  const linked = {
    [between(peer.peer, one.peer)]: 'reported',
    [between(peer.peer, two.peer)]: 'reported',
  };
  await areDrawn(linked);
  const open = await drawn(page);
  const stands = await node(page, two.peer).boundingBox();
  expect(Math.hypot(stands.x - stood.x, stands.y - stood.y), 'nobody moves on a join').toBeLessThanOrEqual(40);
  await expect(happened(page, 'desk').filter({ hasText: 'joined' })).toBeVisible();

  peer.tell({ do: 'quit' });
  await expect(node(page, peer.peer)).toHaveAttribute('data-left', '', { timeout: FOLLOWED });
  const closed = {
    [between(peer.peer, one.peer)]: 'closed',
    [between(peer.peer, two.peer)]: 'closed',
  };
  await areDrawn(closed);
  await page.getByRole('button', { name: 'Table' }).click();
  expect(await listed(page), 'the tables say the same').toEqual(await drawn(page).then(() => expected(closed)));
  await page.getByRole('button', { name: 'Graph' }).click();

  // The moment at which its last link opened; the rest of the list is what came after.
  await happened(page, /desk.*opened|link to desk opened/).first().press('Enter');
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await expect.poll(async () => Object.keys(await drawn(page)).sort()).toEqual(Object.keys(open).sort());
  // Of a link that one end named so far it is known by hearsay.
  expect(Object.values(await drawn(page))).not.toContain('closed');
  await expect(node(page, peer.peer)).not.toHaveAttribute('data-left', '');
  await expect(happened(page, 'desk').filter({ hasText: /left$/ })).toHaveClass(/later/);

  await happened(page, 'desk').filter({ hasText: 'joined' }).click();
  // What came with it came in the same instant: a few steps back.
  await expect(async () => {
    await page.keyboard.press('ArrowLeft');
    await expect(node(page, peer.peer)).toHaveCount(0, { timeout: 1_000 });
  }).toPass();
  await page.keyboard.press('Shift+L');
  await areDrawn(closed);
});

test('D47 a peer and its link are chosen by address, pointer and keys', async ({ page, start }) => {
  const relay = await start.relay();
  await page.goto(`${relay.url}mesh#peer=${short(relay.peer)}`);
  const panel = page.locator('.mesh-panel');
  const its = node(page, relay.peer);
  await expect(its).toHaveAttribute('aria-current', 'true', { timeout: FOLLOWED });
  await expect(panel.getByRole('heading', { name: `relay ${short(relay.peer)}` })).toBeVisible();
  await panel.getByRole('link', { name: /this tab/ }).click();
  await expect(page).toHaveURL(/#peer=\w{8}&link=\w{8}$/);
  await expect(panel.locator('[data-link="measured"]')).toBeVisible();
  await panel.getByRole('link', { name: 'Close' }).click();
  await expect(its).not.toHaveAttribute('aria-current', 'true');

  await its.focus();
  await page.keyboard.press('ArrowUp');
  const own = page.locator('.graph [data-kind="this tab"]');
  await expect(own).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(own).toHaveAttribute('aria-current', 'true');
  await expect(page.locator('.dock'), 'arrows in the graph move no cursor').toHaveAttribute('data-time', 'live');

  const before = await its.boundingBox();
  await page.keyboard.press('+');
  await expect.poll(async () => (await its.boundingBox()).width).toBeGreaterThan(before.width * 1.2);
  await page.keyboard.press('0');
  await expect.poll(async () => Math.abs((await its.boundingBox()).width - before.width)).toBeLessThan(1);
  const graph = await page.locator('.graph').boundingBox();
  await page.mouse.move(graph.x + 20, graph.y + graph.height - 20);
  await page.mouse.down();
  await page.mouse.move(graph.x + 80, graph.y + graph.height - 60, { steps: 4 });
  await page.mouse.up();
  const moved = await its.boundingBox();
  expect(Math.round(moved.x - before.x)).toBe(60);
  expect(Math.round(moved.y - before.y)).toBe(-40);
});

test('g and a letter lead to the views', async ({ page, demoRelay }) => {
  await page.goto(demoRelay.url);
  await expect(page.locator('[data-connection="live"]')).toBeVisible();
  for (const [letter, path] of [['n', '/mesh'], ['p', '/peers'], ['m', '/m'], ['o', '/']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(letter);
    await expect.poll(() => new URL(page.url()).pathname).toBe(path);
  }
});
