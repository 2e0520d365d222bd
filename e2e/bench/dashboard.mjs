// `cargo xtask bench dashboard`: the release page under much, as JSON on stdout. Progress goes to stderr.
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from '@playwright/test';
import config from '../playwright.config.mjs';
import { canMeasureMemory, traced } from '../support/frames.mjs';
import { heap, openRecording, throughFleet, throughMesh, throughTime, typedMeanwhile } from '../support/heavy.mjs';
import { Program, Relay, programPath } from '../support/programs.mjs';
import { describeMachine, note, quantile, weighPage } from './shared.mjs';

const SEEKS = 200;
const SCRUB_SECONDS = 10;
const LOAD_SECONDS = 60;
const PATIENCE = 120_000;

const browser = await chromium.launch(config.use.launchOptions);
try {
  const results = {
    machine: describeMachine(browser),
    ...(await manyMachines()),
    ...(await manyTransitions()),
    ...(await manyChanges()),
    ...(await manyPeers()),
    ...(await sizes()),
  };
  console.log(JSON.stringify(results));
} finally {
  await browser.close();
}

async function opened(relay, file) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await canMeasureMemory(context);
  const page = await context.newPage();
  if (file) await openRecording(page, relay, file);
  return page;
}

/** Ten thousand machines from a recording: scroll, filter, sort. */
async function manyMachines() {
  const relay = await Relay.start();
  const page = await opened(relay, programPath('STATEMESH_MACHINES'));
  const { scrolled, filtered, sorted, most } = await throughFleet(browser, page);
  await page.context().close();
  await relay.stop();
  note(`10,000 machines: scroll p95 ${ms(scrolled)}, longest ${scrolled.longest.toFixed(1)}; filter ${filtered.longest.toFixed(1)}; sort ${sorted.longest.toFixed(1)} ms; ${most} rows`);
  return {
    scroll_p95_ms: quantile(scrolled.frames, 0.95),
    scroll_longest_ms: scrolled.longest,
    filter_longest_ms: filtered.longest,
    sort_longest_ms: sorted.longest,
    rows_most: most,
  };
}

/** A million transitions from a recording: seek, scrub, memory. */
async function manyTransitions() {
  const relay = await Relay.start();
  const page = await opened(relay, programPath('STATEMESH_TRANSITIONS'));
  const { sought, longest, scrubbed } = await throughTime(browser, page, SEEKS, SCRUB_SECONDS);
  const bytes = await heap(page);
  await page.context().close();
  await relay.stop();
  note(`1,000,000 transitions: seek p95 ${quantile(sought, 0.95).toFixed(1)}, longest task ${longest.toFixed(1)}; scrub p95 ${ms(scrubbed)} ms; heap ${Math.round(bytes / 2 ** 20)} MB`);
  return {
    seek_p95_ms: quantile(sought, 0.95),
    seek_longest_ms: longest,
    scrub_p95_ms: quantile(scrubbed.frames, 0.95),
    scrub_longest_ms: scrubbed.longest,
    heap_bytes: bytes,
  };
}

/** 5,000 changes a second of 10 peers with 100 machines each, while somebody types. */
async function manyChanges() {
  const relay = await Relay.start();
  const page = await opened(relay);
  await page.goto(relay.url);
  await page.waitForSelector('[data-connection="live"]');
  const args = ['load', '--peers', '10', '--machines', '1000', '--rate', '5000', '--topic', relay.topic, '--connect', relay.quic];
  const load = new Program('the load', programPath('STATEMESH_RELAY'), args);
  await page.waitForFunction(() => /^1\D?000 of/.test(document.querySelector('.shown')?.textContent ?? ''), null, { timeout: PATIENCE });
  await pause(5_000);
  let typed;
  const frames = await traced(browser, page, async () => {
    typed = await typedMeanwhile(page, LOAD_SECONDS);
  });
  const bytes = await heap(page);
  await load.stop();
  await page.context().close();
  await relay.stop();
  note(`5,000 changes/s: frames p95 ${ms(frames)}, longest ${frames.longest.toFixed(1)}; typing p95 ${quantile(typed, 0.95).toFixed(0)} ms`);
  return {
    load_p95_ms: quantile(frames.frames, 0.95),
    load_longest_ms: frames.longest,
    load_over50: frames.over50,
    typing_p95_ms: quantile(typed, 0.95),
    load_heap_bytes: bytes,
  };
}

/** A thousand peers from a recording, as the Mesh view draws them while the cursor moves. */
async function manyPeers() {
  const relay = await Relay.start();
  const page = await opened(relay, programPath('STATEMESH_MACHINES'));
  const frames = await throughMesh(browser, page);
  await page.context().close();
  await relay.stop();
  note(`1,000 peers: frames p95 ${ms(frames)}, longest ${frames.longest.toFixed(1)} ms`);
  return { peers_p95_ms: quantile(frames.frames, 0.95), peers_longest_ms: frames.longest };
}

/** Everything a first visit loads. */
async function sizes() {
  const relay = await Relay.start();
  const { bytes, rest } = await weighPage(browser, relay, ['gzip', 'br'], PATIENCE);
  await relay.stop();
  return { gzip_bytes: bytes.gzip, brotli_bytes: bytes.br, rest_gzip_bytes: rest.gzip, rest_brotli_bytes: rest.br };
}

function ms(frames) {
  return quantile(frames.frames, 0.95).toFixed(1);
}
