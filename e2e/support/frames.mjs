// What the page's main thread does: tasks from Chromium's own trace, grouped by frame, and memory with the program's.
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel'];

/**
 * Runs `work` under the trace. Frames are the stretches between callbacks of requestAnimationFrame; headless frames are
 * 16.7 ms apart whatever happens in them, so what counts is the work in each.
 */
export async function traced(browser, page, work) {
  await browser.startTracing(page, { categories: CATEGORIES });
  try {
    await work();
  } finally {
    var trace = JSON.parse((await browser.stopTracing()).toString());
  }
  return frames(trace.traceEvents);
}

function frames(events) {
  const thread = mainThread(events);
  const own = events.filter((event) => event.pid === thread.pid && event.tid === thread.tid && event.ph === 'X');
  const tasks = own.filter((event) => event.name === 'RunTask' || event.name === 'ThreadControllerImpl::RunTask');
  const starts = own.filter((event) => event.name === 'FireAnimationFrame').map((event) => event.ts);
  starts.sort((a, b) => a - b);
  const work = new Array(starts.length + 1).fill(0);
  for (const task of tasks) work[after(starts, task.ts + task.dur)] += task.dur / 1000;
  const long = tasks.map((task) => task.dur / 1000).sort((a, b) => b - a);
  // Before the first frame and after the last one is what nobody sees.
  return { frames: work.slice(1, -1), longest: long[0] ?? 0, over50: long.filter((length) => length > 50).length };
}

/** The renderer's main thread that did most. */
function mainThread(events) {
  const named = events.filter((event) => event.name === 'thread_name' && event.args?.name === 'CrRendererMain');
  const busy = ({ pid, tid }) => events.filter((event) => event.pid === pid && event.tid === tid && event.name === 'FireAnimationFrame').length;
  return named.sort((a, b) => busy(b) - busy(a))[0];
}

/** How many of these sorted instants are not after `at`. */
function after(starts, at) {
  let [from, to] = [0, starts.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (starts[middle] <= at) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Before a page goes anywhere: keeps the program's memory in reach. */
export async function canMeasureMemory(target) {
  await target.addInitScript(() => {
    for (const name of ['instantiate', 'instantiateStreaming']) {
      const original = WebAssembly[name];
      WebAssembly[name] = async (...args) => {
        const made = await original.apply(WebAssembly, args);
        const memory = Object.values((made.instance ?? made).exports).find((it) => it instanceof WebAssembly.Memory);
        globalThis.programMemory ??= memory;
        return made;
      };
    }
  });
}

/** Bytes of the page's heap after a collection: JavaScript's, and the program's memory. */
export async function heap(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  await cdp.detach();
  const program = await page.evaluate(() => globalThis.programMemory?.buffer.byteLength ?? NaN);
  return usedSize + program;
}

/** The smallest value that `share` of all are not above. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
}
