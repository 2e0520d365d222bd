// What travels (D05): small, cached, from one origin, under a strict policy.
import { test, expect, remoteMachines } from '../support/fixtures.mjs';

/** Everything the first visit loads, compressed. */
const BUDGET = 560 * 1024;

test('D05 the release page is small, strict and talks to its own origin only', async ({ page, demoRelay }) => {
  const own = new URL(demoRelay.url).origin;
  const requested = new Set();
  page.on('request', (request) => requested.add(request.url()));
  page.on('websocket', (socket) => requested.add(socket.url()));
  const response = await page.goto(demoRelay.url);
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible();

  const foreign = [...requested].filter((url) => new URL(url.replace(/^ws/, 'http')).origin !== own);
  expect(foreign).toEqual([]);

  const policy = response.headers()['content-security-policy'];
  const scripts = policy.split(';').map((part) => part.trim()).find((part) => part.startsWith('script-src'));
  expect(scripts).toBe("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).not.toContain('unsafe-inline\' script');

  let total = 0;
  for (const url of [...requested].filter((url) => url.startsWith('http') && !url.includes('/api/'))) {
    const answer = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
    const length = Number(answer.headers.get('content-length'));
    expect(length, `content-length of ${url}`).toBeGreaterThan(0);
    total += length;
    if (url.endsWith('.wasm')) {
      expect(answer.headers.get('content-encoding')).toBe('gzip');
      expect(answer.headers.get('content-type')).toBe('application/wasm');
      expect(answer.headers.get('cache-control')).toContain('immutable');
    }
    await answer.body?.cancel();
  }
  expect(total).toBeLessThanOrEqual(BUDGET);
});

test('unknown files are missing, unknown paths are the page', async ({ demoRelay }) => {
  expect((await fetch(`${demoRelay.url}missing.wasm`)).status).toBe(404);
  const route = await fetch(`${demoRelay.url}peers`);
  expect(route.status).toBe(200);
  expect(route.headers.get('content-type')).toContain('text/html');
});
