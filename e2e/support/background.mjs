// A tab in the background, as browsers treat it: hidden with slow timers, then frozen. Playwright keeps every page in
// front, so the timers are slowed down in the page, and what freezes it is the debugger.

/** Prepares a page for `hide` and `show`. Before it goes anywhere. */
export async function canHide(page) {
  await page.addInitScript(() => {
    const MINUTE = 60_000;
    const { setTimeout, clearTimeout, requestAnimationFrame } = globalThis;
    const waiting = new Map();
    let last = 0;
    let hidden = false;
    const schedule = (id) => {
      const timer = waiting.get(id);
      clearTimeout(timer.plain);
      // Chromium runs the timers of a tab that has been hidden for five minutes when the minute is full.
      const due = hidden ? Math.ceil(timer.due / MINUTE) * MINUTE : timer.due;
      if (due > timer.due) globalThis.slowedDown = (globalThis.slowedDown ?? 0) + 1;
      timer.plain = setTimeout(() => (waiting.delete(id), timer.work()), Math.max(0, due - performance.now()));
    };
    globalThis.setTimeout = (work, delay = 0, ...args) => {
      last += 1;
      waiting.set(last, { due: performance.now() + delay, work: () => work(...args) });
      schedule(last);
      return last;
    };
    globalThis.clearTimeout = (id) => {
      clearTimeout(waiting.get(id)?.plain);
      waiting.delete(id);
    };
    globalThis.setInterval = (work, every = 0, ...args) => {
      last += 1;
      const id = last;
      const again = () => {
        waiting.set(id, { due: performance.now() + every, work: () => (again(), work(...args)) });
        schedule(id);
      };
      again();
      return id;
    };
    globalThis.clearInterval = globalThis.clearTimeout;
    // What is not seen is not drawn.
    const frames = [];
    globalThis.requestAnimationFrame = (work) => (hidden ? frames.push(work) : requestAnimationFrame(work));
    globalThis.turn = (now) => {
      hidden = now === 'hidden';
      for (const id of [...waiting.keys()]) schedule(id);
      if (!hidden) for (const work of frames.splice(0)) requestAnimationFrame(work);
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    };
    Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
    Object.defineProperty(document, 'hidden', { get: () => hidden });
  });
}

/** Puts the tab behind others. */
export const hide = (page) => page.evaluate(() => globalThis.turn('hidden'));

/** Puts it in front again. */
export const show = (page) => page.evaluate(() => globalThis.turn('visible'));

/** Nothing in the page runs until what is returned is called. */
export async function freeze(page) {
  const cdp = await page.context().newCDPSession(page);
  const paused = new Promise((resolve) => cdp.once('Debugger.paused', resolve));
  await cdp.send('Debugger.enable');
  await cdp.send('Debugger.pause');
  await paused;
  return async () => {
    await cdp.send('Debugger.resume');
    await cdp.detach();
  };
}
