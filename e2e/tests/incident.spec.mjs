// The recording that comes with the page: opened by one click, and the shortest path through it (D60).
import { createServer } from 'node:http';
import { test, expect, stateInView } from '../support/fixtures.mjs';
import { tellsRecordedIncident } from '../support/incident.mjs';
import { serveDist } from '../support/page.mjs';

/** The page, its peer and a recording, on a busy machine. */
const OPENED = 60_000;

const button = (page) => page.getByRole('button', { name: 'Look at a recorded incident' });
const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

/** The page as plain files, with no relay near. */
async function withoutRelay(use) {
  const server = createServer(serveDist);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a recorded incident is one click away in an empty mesh, and no part of the first visit', async ({ page, start }) => {
  const relay = await start.relay();
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(relay.url);
  await expect(button(page)).toBeVisible({ timeout: OPENED });
  expect(asked).not.toContain('/incident.smesh');
  await button(page).click();
  await tellsRecordedIncident(page, OPENED);
  expect(asked.filter((path) => path === '/incident.smesh')).toHaveLength(1);
  const file = await fetch(`${relay.url}incident.smesh`);
  expect(file.headers.get('content-type')).toBe('application/octet-stream');
  expect((await file.arrayBuffer()).byteLength).toBeLessThan(300_000);
  await page.getByRole('button', { name: 'Back to live' }).first().click();
  await expect(button(page)).toBeVisible();
});

test('D60 a recorded incident needs no relay: four actions by keys alone lead to the first failure and copy it, and a second profile sees the same', async ({ page, browser, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await withoutRelay(async (url) => {
    await page.goto(`${url}join`);
    // Of four actions the first opens it, and the second is to read what a screen reader is told.
    await button(page).press('Enter', { timeout: OPENED });
    await tellsRecordedIncident(page, OPENED);
    expect(new URL(page.url()).pathname).toBe('/');
    await expect(page.getByRole('status').filter({ hasText: 'machine' })).toContainText('3 machines needed attention, 1 host was silent', { timeout: OPENED });

    // The third leads to the first row, the fourth copies the link.
    await page.keyboard.press('m');
    await expect(page.locator('.machine-view h1')).toHaveText('route-17');
    await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
    await expect(stateInView(page, 'ErrNetwork')).toHaveAttribute('data-active', 'true');
    await page.keyboard.press('c');
    await expect(page.getByText('Link copied')).toBeVisible();
    const link = await clipboard(page);
    expect(new URL(link).hash).toMatch(/^#v=1&id=route-17@/);
    const clock = (of) => of.locator('.dock .clock').evaluate((it) => it.textContent.replace(/\s/g, ''));
    const states = (of) => stateInView(of).evaluateAll((all) => all.map(({ dataset }) => `${dataset.state}:${dataset.tick}:${dataset.active}`));
    const change = (of) => of.getByRole('region', { name: 'Change at the cursor' }).innerText();
    const [moment, seen, told] = [await clock(page), await states(page), await change(page)];
    expect(told).toContain('ErrNetwork');

    const other = await browser.newContext();
    const second = await other.newPage();
    await second.goto(`${url}join`);
    await button(second).click({ timeout: OPENED });
    await tellsRecordedIncident(second, OPENED);
    await second.evaluate((hash) => {
      history.pushState(null, '', `/m${hash}`);
      dispatchEvent(new PopStateEvent('popstate', { state: null }));
    }, new URL(link).hash);
    await expect(second.locator('.machine-view h1')).toHaveText('route-17');
    await expect.poll(() => clock(second)).toBe(moment);
    expect(await states(second)).toEqual(seen);
    expect(await change(second)).toBe(told);
    await other.close();
  });
});
