// What the benches of the page share: words about the machine, figures, sizes.
import { cpus, totalmem } from 'node:os';

export { quantile } from '../support/frames.mjs';

/** Processor, memory and browser, for the table. */
export function describeMachine(browser) {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Chromium ${browser.version()}, ${process.platform}`;
}

/**
 * What a first visit loads until it shows a machine: how many files, and their bytes in each of these encodings. `rest`:
 * the code of other views, which comes after it.
 */
export async function weighPage(browser, relay, encodings, patience) {
  const page = await browser.newPage();
  const urls = new Set();
  page.on('request', (request) => urls.add(request.url()));
  const whole = page.waitForResponse(/_rest\.wasm$/, { timeout: patience });
  await page.goto(relay.url);
  await page.waitForSelector('[data-machine]', { timeout: patience });
  await whole;
  await page.close();
  const all = [...urls].filter((url) => url.startsWith('http') && !url.includes('/api/'));
  const later = all.filter((url) => url.endsWith('_rest.wasm'));
  const first = all.filter((url) => !later.includes(url));
  const [bytes, rest] = [{}, {}];
  for (const encoding of encodings) {
    bytes[encoding] = await weight(first, encoding);
    rest[encoding] = await weight(later, encoding);
  }
  return { files: first.length, bytes, rest };
}

async function weight(urls, encoding) {
  let bytes = 0;
  for (const url of urls) {
    const answer = await fetch(url, { headers: { 'accept-encoding': encoding } });
    bytes += Number(answer.headers.get('content-length'));
    await answer.body?.cancel();
  }
  return bytes;
}

/** Progress, beside the results. */
export function note(text) {
  console.error(`   ${text}`);
}
