// The dashboard under much: thousands of machines, a million transitions, thousands of changes a second. Shared by
// `cargo xtask bench dashboard`, which prints the figures, and by the slow tests, which hold them to deadlines.
import { setTimeout as pause } from 'node:timers/promises';
import { heap, traced } from './frames.mjs';

const PATIENCE = 120_000;

/** Opens a recording from a file and waits until the page shows it. */
export async function openRecording(page, relay, file) {
  await page.goto(relay.url);
  await page.waitForSelector('[data-connection="live"]', { timeout: PATIENCE });
  await page.locator('.dock .record summary').click();
  await page.getByLabel('Recording to open').setInputFiles(file);
  await page.waitForSelector('[data-connection="recording"]', { timeout: PATIENCE });
  await page.locator('.dock .record summary').click();
  await page.waitForSelector('.fleet a.row', { timeout: PATIENCE });
}

/** Scrolls the fleet from top to bottom, types into its filter and sorts it. */
export async function throughFleet(browser, page) {
  const fleet = page.locator('.fleet');
  let most = 0;
  const scrolled = await traced(browser, page, async () => {
    most = await fleet.evaluate(async (list) => {
      let most = 0;
      const steps = 200;
      for (let step = 0; step <= steps; step += 1) {
        list.scrollTo(0, ((list.scrollHeight - list.clientHeight) * step) / steps);
        await new Promise(requestAnimationFrame);
        most = Math.max(most, list.querySelectorAll('a.row').length);
      }
      return most;
    });
  });
  const filter = page.getByLabel('Filter machines');
  const filtered = await traced(browser, page, async () => {
    for (const letter of 'courier-12 state:Ready') {
      await filter.press(letter === ' ' ? 'Space' : letter);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await pause(1_500);
  });
  await filter.fill('');
  const sorted = await traced(browser, page, async () => {
    for (const [group, sort] of [['none', '1'], ['none', '2'], ['host', '0']]) {
      await page.getByLabel('Group machines by').selectOption(group);
      await page.getByLabel('Sort machines by').selectOption(sort);
      await pause(1_200);
    }
  });
  return { scrolled, filtered, sorted, most };
}

/** Looks at `count` moments all over the recording, then drags the cursor along it for `seconds`. */
export async function throughTime(browser, page, count, seconds) {
  const slider = page.getByRole('slider', { name: 'Moment looked at' });
  const box = await slider.boundingBox();
  const at = (share) => [box.x + 2 + (box.width - 4) * share, box.y + box.height / 2];
  const sought = [];
  // A step of the golden ratio visits all parts.
  for (let step = 0; step < count; step += 10) {
    const part = await traced(browser, page, async () => {
      for (let seek = step; seek < Math.min(step + 10, count); seek += 1) {
        await page.mouse.click(...at((seek * 0.618034) % 1));
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      }
    });
    sought.push(part);
  }
  await page.mouse.move(...at(0));
  await page.mouse.down();
  const until = performance.now() + seconds * 1_000;
  const scrubbed = await traced(browser, page, async () => {
    for (let step = 0; performance.now() < until; step += 1) {
      await page.mouse.move(...at(Math.abs(((step / 200) % 2) - 1)));
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  await page.mouse.up();
  return { sought: sought.flatMap((part) => part.frames), longest: Math.max(...sought.map((part) => part.longest)), scrubbed };
}

/** Opens the graph and drags the cursor along the recording. */
export async function throughMesh(browser, page) {
  await page.getByRole('link', { name: 'Mesh', exact: true }).first().click();
  await page.waitForSelector('.graph [data-node]', { timeout: PATIENCE });
  const slider = await page.getByRole('slider', { name: 'Moment looked at' }).boundingBox();
  const steps = 100;
  return traced(browser, page, async () => {
    for (let step = 0; step < steps; step += 1) {
      await page.mouse.move(slider.x + 2 + ((slider.width - 4) * step) / steps, slider.y + slider.height / 2);
      if (step === 0) await page.mouse.down();
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await page.mouse.up();
  });
}

/** Types into the search while changes pour in; how long each letter waited for its frame, in milliseconds. */
export async function typedMeanwhile(page, seconds) {
  await page.evaluate(() => {
    globalThis.inputs = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.inputs.push(entry.duration);
    }).observe({ type: 'event', durationThreshold: 16, buffered: false });
  });
  const filter = page.getByLabel('Filter machines');
  const until = performance.now() + seconds * 1_000;
  let letters = 0;
  while (performance.now() < until) {
    await filter.press('abcdefgh'[letters % 8]);
    letters += 1;
    if (letters % 6 === 0) await filter.fill('');
    await pause(400);
  }
  await filter.fill('');
  const slow = await page.evaluate(() => globalThis.inputs);
  // What took less than 16 ms is not reported.
  return [...slow, ...new Array(Math.max(0, letters - slow.length)).fill(8)];
}

export { heap };
