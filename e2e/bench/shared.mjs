// What the benches of the page share: words about the machine, figures, sizes.
import { cpus, totalmem } from 'node:os';

export { quantile } from '../support/frames.mjs';

/** Processor, memory and browser, for the table. */
export function describeMachine(browser) {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Chromium ${browser.version()}, ${process.platform}`;
}

/** Everything a first visit loads: how many files, and their bytes in each of these encodings. */
export async function weighPage(browser, relay, encodings, patience) {
  const page = await browser.newPage();
  const urls = new Set();
  page.on('request', (request) => urls.add(request.url()));
  await page.goto(relay.url);
  await page.waitForSelector('[data-machine]', { timeout: patience });
  await page.close();
  const files = [...urls].filter((url) => url.startsWith('http') && !url.includes('/api/'));
  const bytes = {};
  for (const encoding of encodings) {
    bytes[encoding] = 0;
    for (const url of files) {
      const answer = await fetch(url, { headers: { 'accept-encoding': encoding } });
      bytes[encoding] += Number(answer.headers.get('content-length'));
      await answer.body?.cancel();
    }
  }
  return { files: files.length, bytes };
}

/** Progress, beside the results. */
export function note(text) {
  console.error(`   ${text}`);
}
