// The picture in the README: the real page with the demo's machines, taken by a test so that it cannot go stale.
import { fileURLToPath } from 'node:url';
import { test, expect, connection, remoteMachines } from '../support/fixtures.mjs';

const PICTURE = fileURLToPath(new URL('../../docs/overview.png', import.meta.url));

test('the README’s picture', async ({ page, demoRelay }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(demoRelay.url);
  await expect(connection(page, 'live')).toBeVisible();
  await expect.poll(async () => remoteMachines(page, demoRelay).count()).toBeGreaterThanOrEqual(12);
  // Only when asked: a new picture at every run would be noise in the history.
  const path = process.env.STATEMESH_PICTURE ? PICTURE : undefined;
  if (path) {
    // Something goes wrong in the demo every minute or two; that is what the page is for.
    test.setTimeout(360_000);
    await expect(page.getByText('2 machines need attention').first()).toBeVisible({ timeout: 300_000 });
  }
  const picture = await page.screenshot({ path });
  expect(picture.length).toBeGreaterThan(20_000);
});
