// What travels (D05): small, cached, from one origin, under a strict policy.
import { test, expect, remoteMachines } from '../support/fixtures.mjs';

/** What the first visit may load in all, compressed in either way. */
const BUDGETS = { gzip: 800_000, br: 650_000 };

/** Opens the page, waits for a remote machine, and returns what was asked for on the way. */
async function visit(page, relay) {
  const requested = new Set();
  page.on('request', (request) => requested.add(request.url()));
  page.on('websocket', (socket) => requested.add(socket.url()));
  const response = await page.goto(relay.url);
  await expect(remoteMachines(page, relay).first()).toBeVisible();
  return { requested, response };
}

test('D05 the release page is strict, compressed and talks to its own origin only', async ({ page, demoRelay }) => {
  const own = new URL(demoRelay.url).origin;
  const { requested, response } = await visit(page, demoRelay);
  const foreign = [...requested].filter((url) => new URL(url.replace(/^ws/, 'http')).origin !== own);
  expect(foreign).toEqual([]);

  const policy = response.headers()['content-security-policy'];
  const scripts = policy.split(';').map((part) => part.trim()).find((part) => part.startsWith('script-src'));
  expect(scripts).toBe("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).not.toContain('unsafe-inline\' script');

  const wasm = [...requested].filter((url) => url.endsWith('_bg.wasm'));
  expect(wasm).toHaveLength(1);
  const answer = await fetch(wasm[0], { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  expect(answer.headers.get('content-type')).toBe('application/wasm');
  expect(answer.headers.get('cache-control')).toContain('immutable');
  await answer.body?.cancel();
});

test('the relay’s answer comes while the program loads, and once', async ({ page, demoRelay }) => {
  await visit(page, demoRelay);
  const [answers, program] = await page.evaluate(() => {
    const all = performance.getEntriesByType('resource');
    return [all.filter(({ name }) => name.endsWith('/api/relay')), all.find(({ name }) => name.endsWith('_bg.wasm'))].map((entries) =>
      JSON.parse(JSON.stringify(entries)),
    );
  });
  expect(answers.map(({ initiatorType }) => initiatorType)).toEqual(['link']);
  expect(answers[0].startTime).toBeLessThan(program.responseEnd);
});

/** What the first visit loads in bytes, compressed in one way. */
async function weight(requested, encoding) {
  let total = 0;
  const first = [...requested].filter((url) => url.startsWith('http') && !url.includes('/api/') && !url.endsWith('_rest.wasm'));
  for (const url of first) {
    const answer = await fetch(url, { headers: { 'accept-encoding': encoding } });
    const length = Number(answer.headers.get('content-length'));
    expect(length, `content-length of ${url}`).toBeGreaterThan(0);
    total += length;
    await answer.body?.cancel();
  }
  return total;
}

test('D05 the release page keeps its budget', async ({ page, demoRelay }) => {
  test.skip(process.env.STATEMESH_SMALL === 'false', 'built without the sources of the standard library');
  const { requested } = await visit(page, demoRelay);
  for (const [encoding, budget] of Object.entries(BUDGETS)) {
    expect(await weight(requested, encoding), encoding).toBeLessThanOrEqual(budget);
  }
});

test('code of other views comes by itself, after what runs first, and once', async ({ page, demoRelay }) => {
  const coming = page.waitForResponse(/_rest\.wasm$/);
  const { requested } = await visit(page, demoRelay);
  const answer = await coming;
  expect(await answer.headerValue('cache-control')).toContain('immutable');
  await answer.finished();
  const [first, rest] = await page.evaluate(() => {
    const all = performance.getEntriesByType('resource');
    return ['_bg.wasm', '_rest.wasm'].map((end) => all.find(({ name }) => name.endsWith(end)).toJSON());
  });
  expect(rest.startTime, 'nothing competes with what runs first').toBeGreaterThan(first.responseEnd);
  await remoteMachines(page, demoRelay).first().click();
  await expect(page).toHaveURL(/\/m#/);
  await expect(page.getByRole('tree')).toBeVisible();
  expect([...requested].filter((url) => url.endsWith('_rest.wasm'))).toHaveLength(1);
});

test('a view that has to be opened can be the first', async ({ page, demoRelay }) => {
  await page.goto(`${demoRelay.url}mesh`);
  await expect(page.getByRole('heading', { name: 'Mesh', level: 1 })).toBeVisible();
});

test('a view whose code does not come says so, and opens later', async ({ browser, demoRelay }) => {
  // A context of its own: the browser's complaint about the file is meant.
  const page = await browser.newPage();
  await page.route('**/*_rest.wasm', (route) => route.abort());
  await visit(page, demoRelay);
  const mesh = page.getByRole('navigation').getByRole('link', { name: 'Mesh' }).first();
  await mesh.click();
  await expect(page.getByText('This view could not be loaded. Is the relay there? Open it again to try once more.')).toBeVisible();
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible();
  await page.unroute('**/*_rest.wasm');
  await mesh.click();
  await expect(page.getByRole('heading', { name: 'Mesh', level: 1 })).toBeVisible();
  await page.close();
});

test('code that is wanted before it came is fetched at once', async ({ browser, demoRelay }) => {
  // A context of its own: the browser warns of the way it is fetched.
  const page = await browser.newPage();
  await page.addInitScript(() => {
    const compile = WebAssembly.compileStreaming;
    WebAssembly.compileStreaming = () => new Promise(() => {});
    globalThis.compile = compile;
  });
  await visit(page, demoRelay);
  await page.keyboard.press('Shift+C');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.close();
});

test('unknown files are missing, unknown paths are the page', async ({ demoRelay }) => {
  expect((await fetch(`${demoRelay.url}missing.wasm`)).status).toBe(404);
  const route = await fetch(`${demoRelay.url}peers`);
  expect(route.status).toBe(200);
  expect(route.headers.get('content-type')).toContain('text/html');
});

test('a program that ends says so on the page', async ({ browser, demoRelay }) => {
  // A context of its own: the error is meant.
  const page = await browser.newPage();
  await page.goto(demoRelay.url);
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible();
  const crash = page.getByRole('alert').filter({ hasText: 'The page hit an error and stopped' });
  await expect(crash).toHaveCount(0);
  for (const rejected of [false, true]) {
    await page.evaluate((rejected) => {
      document.getElementById('crash').hidden = true;
      // A module whose only function is `unreachable`, what a panic comes down to.
      const code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 5, 1, 3, 0, 0, 11];
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code)));
      if (rejected) Promise.resolve().then(exports.a);
      else setTimeout(exports.a);
    }, rejected);
    await expect(crash).toBeVisible();
  }
  await page.close();
});
