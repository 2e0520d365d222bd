// Fixtures of all tests: a relay with demo machines per file, programs that end with their test, and pages whose
// errors fail the test.
import { test as base, expect } from '@playwright/test';
import { Relay, Watch, startGoPeer, startHost, startHostile, startScripted } from './programs.mjs';

/** The stock WebRTC transport throws this at most once per dial; nothing else may reach a page's error list. */
const KNOWN_WEBRTC_ERROR = 'closure invoked recursively or after being dropped';

const withoutWebrtc = new WeakSet();

export const test = base.extend({
  /** One relay with demo machines for all tests of a worker. */
  demoRelay: [
    async ({}, use) => {
      const relay = await Relay.start('--demo', '--seed', '7', '--topic', 'parcel-eu');
      await use(relay);
      await relay.stop();
    },
    { scope: 'worker', timeout: 90_000 },
  ],

  /** Starts programs; whatever still runs at the end of the test is stopped. */
  start: async ({}, use) => {
    const running = [];
    const keep = (program) => (running.push(program), program);
    await use({
      relay: async (...args) => keep(await Relay.start(...args)),
      watch: async (relay) => keep(new Watch(relay)),
      goPeer: async (relay, ...args) => keep(await startGoPeer(relay, ...args)),
      scripted: async (relay, ...args) => keep(await startScripted(relay, ...args)),
      host: async (relay, name) => keep(startHost(relay, name)),
      hostile: async (relay, as) => keep(await startHostile(relay, as)),
    });
    for (const program of running.reverse()) {
      const process = program.program ?? program;
      process.signal('SIGCONT');
      process.signal('SIGKILL');
      await process.ended;
    }
  },

  context: async ({ context }, use) => {
    const errors = [];
    context.on('weberror', (error) => errors.push(error.error()));
    context.on('console', (message) => {
      if (/content security policy|panicked/i.test(message.text())) errors.push(new Error(message.text()));
    });
    await use(context);
    const unexpected = errors.filter((error) => withoutWebrtc.has(context) || !error.message.includes(KNOWN_WEBRTC_ERROR));
    expect(unexpected.map((error) => error.message), 'errors in the page').toEqual([]);
  },
});

export { expect };

/** Machines of others in the list: not the tab's own, not the relay's. */
export function remoteMachines(page, relay) {
  return page.locator(`[data-machine]:not([data-own]):not([data-machine^="${relay.peer}/"])`).filter({ visible: true });
}

/** The row of one machine. */
export function machineRow(page, peer, machine) {
  return page.locator(`[data-machine="${escaped(`${peer}/${machine}`)}"]`).filter({ visible: true }).first();
}

function escaped(text) {
  return text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\a ');
}

/** The mark that says where the tab stands. */
export function connection(page, state) {
  return page.locator(`[data-connection${state ? `="${state}"` : ''}]`).first();
}

/** Leaves the page one way to the relay. */
export async function onlyTransport(target, transport) {
  const removed = { ws: 'RTCPeerConnection', webrtc: 'WebSocket' }[transport];
  if (transport === 'ws') withoutWebrtc.add(target.context?.() ?? target);
  await target.addInitScript((name) => delete globalThis[name], removed);
}

/** One state in the tree of the machine in view; without a name, all of them. */
export function stateInView(page, state) {
  return page.locator(`[role="treeitem"][data-state${state ? `="${escaped(state)}"` : ''}]`);
}

/** The states of the machine in view, as the page shows them. */
export async function shownStates(page) {
  return stateInView(page).evaluateAll((elements) =>
    elements.map((element) => ({
      state: element.dataset.state,
      active: element.dataset.active === 'true',
      tick: Number(element.dataset.tick),
    })),
  );
}

/** What can be scrolled sideways: the page and the boxes in it; code may. */
export async function sideways(page) {
  return page.evaluate(() => {
    const scrolls = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
    const boxes = [...document.querySelectorAll('body *:not(pre)')].filter(scrolls);
    return [document.scrollingElement, ...boxes]
      .filter((element) => element.scrollWidth > element.clientWidth)
      .map((element) => `${element.localName}.${element.className}: ${element.scrollWidth} in ${element.clientWidth}`);
  });
}
