// Visits come and go: nothing of them stays at the relay, neither members nor descriptors nor memory.
import { test, expect, connection, onlyTransport } from '../support/fixtures.mjs';
import { links, openDescriptors, peers, residentMemory } from '../support/metrics.mjs';

const VISITS = process.env.STATEMESH_SLOW ? 1_000 : 100;
/** Visits after which caches and pools of the relay have their size. */
const WARM = VISITS / 5;
/** Bytes a visit may leave in the relay, in the long run. */
const LEFT_PER_VISIT = { ws: 20_000, webrtc: 100_000 };
/** Ten times that: a hundred visits also pay for what grows once. */
const SLACK = 10;
/** The relay sees a tab go at once when it says bye, and after 10 s when it does not. */
const GONE = 100_000;

// A trace of a hundred page loads costs more than they do.
test.use({ trace: 'off' });

for (const transport of ['ws', 'webrtc']) {
  test(`${VISITS} visits over ${transport} leave nothing at the relay`, async ({ page, start }, { annotations }) => {
    test.setTimeout(60_000 + VISITS * 10_000);
    await onlyTransport(page, transport);
    const relay = await start.relay();
    const visit = async (count) => {
      for (let left = count; left > 0; left -= 1) {
        await page.goto(relay.url);
        await expect(connection(page, 'live')).toBeVisible();
      }
      await page.goto('about:blank');
      await expect.poll(() => links(relay, transport), { timeout: GONE }).toBe(0);
      await expect.poll(() => peers(relay), { timeout: GONE }).toBe(0);
      return { descriptors: openDescriptors(relay), memory: await residentMemory(relay) };
    };
    const before = await visit(WARM);
    const after = await visit(VISITS - WARM);
    const perVisit = (after.memory - before.memory) / (VISITS - WARM);
    annotations.push({ type: 'bytes left per visit', description: perVisit.toFixed(0) });
    console.log(`${transport}: ${perVisit.toFixed(0)} bytes per visit, descriptors ${before.descriptors} then ${after.descriptors}`);
    expect(perVisit).toBeLessThan(LEFT_PER_VISIT[transport] * SLACK);
    // Some may be open for a moment: the metrics' own connections, links of the last visits.
    await expect.poll(() => openDescriptors(relay), { timeout: 60_000 }).toBeLessThanOrEqual(before.descriptors + 1);
  });
}
