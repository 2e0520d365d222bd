// `cargo xtask bench page`: delays, size and cost of the release page, as JSON on stdout. Progress goes to stderr.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from '@playwright/test';
import config from '../playwright.config.mjs';
import { Relay, Watch, startGoPeer, startScripted } from '../support/programs.mjs';
import { onlyTransport } from '../support/fixtures.mjs';
import { describeMachine, note, quantile, weighPage } from './shared.mjs';

const NAVIGATIONS = 9;
const CHANGES = 200;
const GO_PEERS = 5;
const GO_CHANGES = 10;
const COST_SECONDS = 60;
const PATIENCE = 60_000;

const browser = await chromium.launch(config.use.launchOptions);
try {
  const results = {
    machine: describeMachine(browser),
    ...(await firstPaint()),
    ...(await rustChanges()),
    ...(process.env.STATEMESH_GOPEER ? await goPeers() : {}),
    ...(await losses()),
    ...(await cost()),
  };
  console.log(JSON.stringify(results));
} finally {
  await browser.close();
}

/** From navigation to the frame that shows a machine of another peer, with a fresh profile each time. */
async function firstPaint() {
  const relay = await Relay.start('--demo', '--seed', '7');
  const medians = {};
  for (const transport of ['ws', 'webrtc']) {
    const times = [];
    for (let run = 0; run < NAVIGATIONS; run += 1) {
      const context = await browser.newContext();
      await onlyTransport(context, transport);
      await context.addInitScript((relayPeer) => {
        const remote = `[data-machine]:not([data-own]):not([data-machine^="${relayPeer}/"])`;
        const observer = new MutationObserver(() => {
          if (!document.querySelector(remote)) return;
          observer.disconnect();
          // The first callback runs before the frame is painted, the second one after.
          requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.paintedAt = performance.now())));
        });
        observer.observe(document, { childList: true, subtree: true });
      }, relay.peer);
      const page = await context.newPage();
      await page.goto(relay.url);
      const painted = await page.waitForFunction(() => globalThis.paintedAt, null, { timeout: PATIENCE });
      times.push(await painted.jsonValue());
      await context.close();
    }
    medians[`first_paint_${transport}_ms`] = quantile(times, 0.5);
    note(`first remote state over ${transport}: ${times.map(Math.round).join(' ')} ms`);
  }
  const { bytes, files } = await weighPage(browser, relay, ['gzip'], PATIENCE);
  await relay.stop();
  return { ...medians, gzip_bytes: bytes.gzip, gzip_files: files };
}

/** From a mutation in a Rust peer to the frame that shows it. */
async function rustChanges() {
  const relay = await Relay.start();
  const scripted = await startScripted(relay);
  scripted.tell({ do: 'expose', id: 'pulse', states: ['On'], tags: ['host:bench'] });
  const page = await openMachine(relay, `${scripted.peer}/pulse`, 'On');
  for (let change = 0; change < CHANGES; change += 1) {
    scripted.tell({ do: 'toggle', id: 'pulse', state: 'On' });
    await pause(150 + Math.random() * 200);
  }
  const changed = scripted.lines.filter((line) => line.event === 'changed');
  await shown(page, changed.at(-1).tick);
  const delays = delaysOf(changed.map(({ tick, at_us }) => ({ tick, at: at_us / 1000 })), await frames(page));
  await page.context().close();
  scripted.tell({ do: 'quit' });
  await scripted.ended;
  await relay.stop();
  note(`change of a Rust peer: median ${Math.round(quantile(delays, 0.5))} ms over ${delays.length}`);
  return { rust_change_p50_ms: quantile(delays, 0.5), rust_change_p99_ms: quantile(delays, 0.99), rust_changes: delays.length };
}

/** From the start of a Go peer to its row, and from its change to the frame that shows it. */
async function goPeers() {
  const relay = await Relay.start();
  const learned = [];
  const followed = [];
  for (let run = 0; run < GO_PEERS; run += 1) {
    const page = await browser.newPage();
    await page.goto(relay.url);
    await page.waitForSelector('[data-connection="live"]', { timeout: PATIENCE });
    const startedAt = performance.now();
    const go = await startGoPeer(relay, '-name', `go-${run}`);
    const { peer } = go.lines.find((line) => line.event === 'joined');
    await page.waitForSelector(`[data-machine="${peer}/go-${run}"]`, { timeout: PATIENCE });
    learned.push(performance.now() - startedAt);
    await page.close();

    if (run === 0) {
      const machine = await openMachine(relay, `${peer}/go-${run}`, 'Busy');
      for (let change = 0; change < GO_CHANGES; change += 1) {
        go.tell('toggle Busy');
        const count = change + 1;
        const own = await go.line((line) => line.event === 'own' && line.clock[3] === count);
        await shown(machine, own.clock[3]);
      }
      const changed = go.lines.filter((line) => line.event === 'own');
      followed.push(...delaysOf(changed.map(({ clock, at_ms }) => ({ tick: clock[3], at: at_ms })), await frames(machine)));
      await machine.context().close();
    }
    await go.kill();
  }
  await relay.stop();
  note(`Go machine after ${learned.map(Math.round).join(' ')} ms, changes after ${followed.map(Math.round).join(' ')} ms`);
  return {
    go_learned_p50_ms: quantile(learned, 0.5),
    go_learned_max_ms: Math.max(...learned),
    go_change_p50_ms: quantile(followed, 0.5),
    go_change_max_ms: Math.max(...followed),
  };
}

/** From the relay's death to the mark that says so, and from its return to the mark that says live; the longest. */
async function losses() {
  const noticed = { SIGKILL: [], SIGSTOP: [] };
  const rejoined = [];
  for (const transport of ['ws', 'webrtc']) {
    for (const death of ['SIGKILL', 'SIGSTOP']) {
      const relay = await Relay.start('--demo', '--calm');
      const context = await browser.newContext();
      await onlyTransport(context, transport);
      const page = await context.newPage();
      await page.goto(relay.url);
      await page.waitForSelector('[data-connection="live"]', { timeout: PATIENCE });
      const diedAt = performance.now();
      relay.program.signal(death);
      await page.waitForSelector('[data-connection="live"]', { state: 'detached', timeout: PATIENCE });
      noticed[death].push(performance.now() - diedAt);
      await relay.program.kill();
      await relay.restart();
      const backAt = performance.now();
      await page.waitForSelector('[data-connection="live"]', { timeout: PATIENCE });
      rejoined.push(performance.now() - backAt);
      await context.close();
      await relay.stop();
    }
  }
  note(`not live after ${JSON.stringify(noticed)} ms, rejoined after ${rejoined.map(Math.round).join(' ')} ms`);
  return {
    noticed_kill_ms: Math.max(...noticed.SIGKILL),
    noticed_stop_ms: Math.max(...noticed.SIGSTOP),
    rejoined_ms: Math.max(...rejoined),
  };
}

/** Memory and processor time of a relay with demo machines and one tab. */
async function cost() {
  const relay = await Relay.start('--demo', '--seed', '7');
  const watch = new Watch(relay);
  await watch.line((line) => line.event === 'clock');
  const before = watch.lines.length;
  await pause(20_000);
  const rate = watch.lines.slice(before).filter((line) => line.event === 'clock').length / 20;
  await watch.stop();

  const page = await browser.newPage();
  await page.goto(relay.url);
  await page.waitForSelector('[data-connection="live"]', { timeout: PATIENCE });
  await pause(5_000);
  const { pid } = relay.program.child;
  const startedAt = performance.now();
  const startedCpu = cpuSeconds(pid);
  await pause(COST_SECONDS * 1000);
  const cpu = (cpuSeconds(pid) - startedCpu) / ((performance.now() - startedAt) / 1000);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
  await page.close();
  await relay.stop();
  return { relay_rss_bytes: rss, relay_cpu_share: cpu, changes_per_s: rate };
}

/** User and system time, in seconds: fields 14 and 15 after the name, in clock ticks of 10 ms. */
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Opens a machine's view and notes, per tick of a state, when a frame first showed it. */
async function openMachine(relay, id, state) {
  const context = await browser.newContext();
  await context.addInitScript((name) => {
    globalThis.frames = [];
    const selector = `[role="treeitem"][data-state="${name}"]`;
    const observer = new MutationObserver(() => {
      const tick = document.querySelector(selector)?.dataset.tick;
      if (tick === undefined) return;
      requestAnimationFrame(() => requestAnimationFrame(() => globalThis.frames.push({ tick: Number(tick), at: performance.timeOrigin + performance.now() })));
    });
    observer.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-tick'] });
  }, state);
  const page = await context.newPage();
  await page.goto(relay.url);
  await page.click(`[data-machine="${id}"]`, { timeout: PATIENCE });
  await page.waitForSelector(`[role="treeitem"][data-state="${state}"]`, { timeout: PATIENCE });
  return page;
}

async function shown(page, tick) {
  await page.waitForFunction((tick) => globalThis.frames.some((frame) => frame.tick >= tick), tick, { timeout: PATIENCE });
}

async function frames(page) {
  return page.evaluate(() => globalThis.frames);
}

/** For each change, how long until a frame showed its tick or a later one. */
function delaysOf(changes, frames) {
  return changes.map(({ tick, at }) => {
    const frame = frames.find((frame) => frame.tick >= tick);
    return frame ? frame.at - at : Infinity;
  });
}
