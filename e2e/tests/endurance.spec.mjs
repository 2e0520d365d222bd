// A relay with demo machines, a Go peer and a tab, for twenty minutes: it ends as it began. Slow: `cargo xtask test --slow`.
import { test, expect, connection } from '../support/fixtures.mjs';
import { openDescriptors, residentMemory } from '../support/metrics.mjs';

const MINUTE = 60_000;
/** Until caches and pools have their size: gossipsub remembers message ids for two minutes. */
const WARM = 5 * MINUTE;
const MEASURED = 15 * MINUTE;
/** Bytes of growth that are noise of the allocator. */
const NOISE = 4 << 20;

test('twenty minutes leave memory and descriptors of the relay as they were', async ({ page, start }) => {
  test.skip(!process.env.STATEMESH_SLOW, 'takes 20 minutes');
  test.setTimeout(WARM + MEASURED + 2 * MINUTE);
  const relay = await start.relay('--demo');
  await start.goPeer(relay, '-name', 'go-endures');
  await page.goto(relay.url);
  await expect(connection(page, 'live')).toBeVisible();
  const figures = async () => ({ descriptors: openDescriptors(relay), memory: await residentMemory(relay) });
  // The time is what is tested.
  await page.waitForTimeout(WARM);
  const before = await figures();
  await page.waitForTimeout(MEASURED);
  const after = await figures();
  console.log(`memory ${before.memory} then ${after.memory} bytes, descriptors ${before.descriptors} then ${after.descriptors}`);
  await expect(connection(page, 'live')).toBeVisible();
  expect(after.memory - before.memory).toBeLessThan(NOISE);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 1);
});
