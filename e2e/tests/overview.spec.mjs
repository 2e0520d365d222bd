// Overview: what is wrong first, then every machine, filtered, grouped, sorted and searched.
import { test, expect, machineRow } from '../support/fixtures.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const filter = (page) => page.getByLabel('Filter machines');
const rows = (page) => page.locator('.fleet a.row');
/** Names of the machines listed, from top to bottom, without the mesh's own. */
const listed = async (page) => {
  const names = await rows(page).evaluateAll((all) =>
    all
      .map((row) => [row.getBoundingClientRect().top, row.querySelector('.machine').textContent])
      .sort(([a], [b]) => a - b)
      .map(([, name]) => name),
  );
  return names.filter((name) => /^(courier|route|lamp)/.test(name));
};

/** Two hosts: two couriers and a route on one, a lamp on the other. */
async function fleet(start) {
  const relay = await start.relay();
  const [van, desk] = [await start.scripted(relay), await start.scripted(relay)];
  const expose = (host, id, tags, active = ['Start', 'Ready']) =>
    host.tell({ do: 'expose', id, states: ['Start', 'Ready', 'Busy', 'ErrRoad'], tags, active });
  expose(van, 'courier-1', ['host:van', 'kind:courier']);
  expose(van, 'courier-2', ['host:van', 'kind:courier']);
  expose(van, 'route-1', ['host:van', 'kind:route']);
  expose(desk, 'lamp', ['host:desk']);
  return { relay, van, desk };
}

async function open(page, relay, count = 4) {
  await page.goto(relay.url);
  await expect.poll(async () => (await listed(page)).length, { timeout: FOLLOWED }).toBe(count);
}

test('the filter keeps what fits, says what it cannot read, and can be cleared', async ({ page, start }) => {
  const { relay, van } = await fleet(start);
  await open(page, relay);
  await page.keyboard.press('f');
  await expect(filter(page)).toBeFocused();
  await filter(page).fill('courier');
  await expect.poll(() => listed(page)).toEqual(['courier-1', 'courier-2']);
  await expect(page.locator('.shown')).toHaveText('2 of 4 machines');
  await filter(page).fill('-courier host:van');
  await expect.poll(() => listed(page)).toEqual(['route-1']);
  await filter(page).fill('/^(lamp|route-\\d)$/');
  await expect.poll(() => listed(page)).toEqual(['lamp', 'route-1']);

  // What cannot be read leaves what is shown.
  await filter(page).fill('stat:Ready');
  await expect(page.locator('#filter-error')).toHaveText('Unknown key `stat:`. Did you mean `state:`?');
  await expect.poll(() => listed(page)).toEqual(['lamp', 'route-1']);
  await filter(page).fill('/(/');
  await expect(page.locator('#filter-error')).toHaveText('`/(/` is no regular expression.');

  await filter(page).fill('state:Busy');
  await expect(page.getByText('No machine matches state:Busy.')).toBeVisible();
  van.tell({ do: 'toggle', id: 'courier-2', state: 'Busy' });
  await expect.poll(() => listed(page), { timeout: FOLLOWED }).toEqual(['courier-2']);
  await filter(page).fill('nobody');
  await page.getByRole('button', { name: 'Clear filter' }).click();
  await expect.poll(async () => (await listed(page)).length).toBe(4);
  await expect(filter(page)).toHaveValue('');
});

test('D06 D10 a count filters, and the fleet can be grouped and sorted', async ({ page, start }) => {
  const { relay, van } = await fleet(start);
  await open(page, relay);
  await expect(page.locator('.verdict h1')).toHaveText('All 4 machines are fine');
  van.tell({ do: 'toggle', id: 'route-1', state: 'ErrRoad' });
  await expect(page.locator('.verdict h1')).toHaveText('1 machine needs attention', { timeout: FOLLOWED });
  const attention = page.locator('[data-attention]').first();
  await expect(attention).toHaveAttribute('data-attention', 'error');
  await expect(attention).toContainText('route-1');

  const error = page.locator('[data-count="error"]');
  await error.click();
  await expect(error).toHaveAttribute('aria-pressed', 'true');
  await expect(filter(page)).toHaveValue('is:error');
  await expect.poll(() => listed(page)).toEqual(['route-1']);
  await error.click();
  await expect.poll(async () => (await listed(page)).length).toBe(4);

  await page.getByLabel('Sort machines by').selectOption('attention first');
  await page.getByLabel('Group machines by').selectOption('none');
  await expect.poll(async () => (await listed(page))[0]).toBe('route-1');
  await page.getByLabel('Group machines by').selectOption('health');
  await expect(page.locator('.fleet .group').first()).toContainText('Error');
  await page.getByLabel('Group machines by').selectOption('tag:kind');
  await expect(page.locator('.fleet .group')).toContainText(['courier', 'route', 'without this tag']);

  // It is over: the row is dim, and leaves after ten seconds.
  van.tell({ do: 'toggle', id: 'route-1', state: 'ErrRoad' });
  await expect(page.locator('.attention li.over')).toContainText('Recovered', { timeout: FOLLOWED });
  await expect(page.locator('[data-attention]')).toHaveCount(0, { timeout: FOLLOWED });
});

test('rows do not jump while somebody points at them', async ({ page, start }) => {
  const { relay, van } = await fleet(start);
  await open(page, relay);
  await page.getByLabel('Group machines by').selectOption('none');
  await page.getByLabel('Sort machines by').selectOption('ticks');
  const tell = () => van.tell({ do: 'toggle', id: 'route-1', state: 'Busy' });
  tell();
  await expect.poll(async () => (await listed(page))[0], { timeout: FOLLOWED }).toBe('route-1');
  await machineRow(page, van.peer, 'courier-2').hover();
  const before = await listed(page);
  for (const _ of [1, 2]) van.tell({ do: 'toggle', id: 'courier-2', state: 'Busy' });
  const ticks = machineRow(page, van.peer, 'courier-2').locator('.ticks');
  await expect(ticks).toHaveText('4', { timeout: FOLLOWED });
  await page.waitForTimeout(1_500);
  expect(await listed(page), 'order while the pointer is inside').toEqual(before);
  await page.mouse.move(5, 5);
  await expect.poll(async () => (await listed(page))[0], { timeout: FOLLOWED }).toBe('courier-2');
});

test('D44 one tick touches its own row and nothing else', async ({ page, start }) => {
  const { relay, van } = await fleet(start);
  await open(page, relay);
  await expect(page.locator('.verdict h1')).toHaveText('All 4 machines are fine');
  const row = machineRow(page, van.peer, 'courier-1');
  await page.evaluate(() => {
    window.touched = [];
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
        // Ages and rates count on by themselves.
        if (element?.closest('.changed, .rate')) continue;
        window.touched.push(element?.closest('a.row')?.querySelector('.machine').textContent ?? 'none');
      }
    }).observe(document.querySelector('.fleet'), { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await page.waitForTimeout(500);
  await page.evaluate(() => (window.touched.length = 0));
  van.tell({ do: 'toggle', id: 'courier-1', state: 'Busy' });
  await expect(row.locator('[data-state="Busy"]')).toBeVisible({ timeout: FOLLOWED });
  const touched = await page.evaluate(() => [...new Set(window.touched)]);
  expect(touched.filter((name) => !/^peer|^this|^none/.test(name))).toEqual(['courier-1']);
});

test('many machines: few rows in the document, the focus reaches all of them', async ({ page, start }) => {
  const relay = await start.relay();
  const host = await start.scripted(relay);
  const name = (at) => `courier-${String(at).padStart(3, '0')}`;
  for (let at = 0; at < 150; at += 1) {
    host.tell({ do: 'expose', id: name(at), states: ['Start'], tags: ['host:van'], active: ['Start'] });
  }
  await page.goto(relay.url);
  await expect(page.locator('.shown')).toHaveText('150 of 150 machines', { timeout: 3 * FOLLOWED });
  expect(await rows(page).count()).toBeLessThanOrEqual(60);
  await machineRow(page, host.peer, name(0)).focus();
  await page.keyboard.press('End');
  await expect.poll(() => page.evaluate(() => document.activeElement.dataset.machine ?? '')).not.toContain(name(0));
  await page.keyboard.press('Home');
  await expect(machineRow(page, host.peer, name(0))).toBeFocused();
  for (let at = 0; at < 70; at += 1) await page.keyboard.press('ArrowDown');
  await expect(machineRow(page, host.peer, name(70))).toBeFocused();
  expect(await rows(page).count()).toBeLessThanOrEqual(61);
  // Scrolled out of view, it keeps the focus.
  await page.locator('.fleet').evaluate((list) => list.scrollTo(0, 0));
  await page.waitForTimeout(300);
  await expect(machineRow(page, host.peer, name(70))).toBeFocused();
});

test('search finds machines, states, moments and commands by keys alone', async ({ page, start }) => {
  const { relay, van } = await fleet(start);
  await open(page, relay);
  const search = page.getByRole('combobox', { name: 'Search everything' });
  const options = page.locator('#found').getByRole('option');
  await page.keyboard.press('Control+k');
  await expect(search).toBeFocused();
  await search.fill('route');
  await expect(options.first()).toContainText('route-1');
  await search.fill('Busy@courier-2');
  await expect(options).toHaveText(['StateBusycourier-2']);
  await search.fill('courier');
  await expect(options.first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true');
  await expect(options.nth(1)).toContainText('courier-2');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/m#id=courier-2@/);
  await expect(page.getByRole('dialog')).toBeHidden();

  await page.keyboard.press('Control+k');
  await search.fill('-0.1s');
  await page.keyboard.press('Enter');
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await page.keyboard.press('Control+k');
  await search.fill('back to live');
  await page.keyboard.press('Enter');
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'live');

  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await expect(page).toHaveURL(relay.url);
  const ticks = machineRow(page, van.peer, 'lamp').or(machineRow(page, van.peer, 'route-1')).first();
  await expect(ticks).toBeVisible();
  for (const tick of ['3', '4']) {
    van.tell({ do: 'toggle', id: 'route-1', state: 'Busy' });
    await expect(machineRow(page, van.peer, 'route-1').locator('.ticks')).toHaveText(tick, { timeout: FOLLOWED });
  }
  await page.keyboard.press('Control+k');
  await search.fill('mach://route-1/tx?t=3');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/m#(v=1&)?id=route-1@/);
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await expect(page.locator('.facts')).toContainText('t3');

  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys and legend' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('what led to a problem is told by time, and m goes there', async ({ page, start }) => {
  const { relay, van } = await fleet(start);
  await open(page, relay);
  // Longer ago than what counts.
  await page.waitForTimeout(2_500);
  van.tell({ do: 'toggle', id: 'courier-1', state: 'Busy' });
  van.tell({ do: 'toggle', id: 'route-1', state: 'ErrRoad' });
  const attention = page.locator('[data-attention="error"]');
  await expect(attention).toBeVisible({ timeout: FOLLOWED });
  await expect(attention.locator('.led')).toContainText('courier-1 Busy on');
  await page.locator('body').press('m');
  await expect(page).toHaveURL(/\/m#(v=1&)?id=route-1@/);
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  await expect(page.locator('.note .trail')).toContainText('courier-1 Busy on');
});
