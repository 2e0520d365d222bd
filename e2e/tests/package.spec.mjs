// The npm package in a plain page: `examples/browser`, served as any site would, joins a relay of another origin.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, expect } from '../support/fixtures.mjs';
import { programPath, Watch } from '../support/programs.mjs';

const EXAMPLE = fileURLToPath(new URL('../../examples/browser/', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** Runs with the example's address; the package is where `cargo xtask package` puts it. */
async function withExample(work) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname);
    const inPackage = path.startsWith('/pkg/');
    const file = inPackage ? join(programPath('STATEMESH_PACKAGE'), path.slice(5)) : join(EXAMPLE, path === '/' ? 'index.html' : path);
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a plain page follows the mesh, and the mesh its lamp', async ({ page, demoRelay }) => {
  await withExample(async (url) => {
    const watch = new Watch(demoRelay);
    try {
      await page.goto(`${url}?topic=${demoRelay.topic}&relay=${encodeURIComponent(demoRelay.url)}`);
      await expect(page.getByRole('status')).toHaveText(/^Joined parcel-eu over (ws|webrtc)$/);
      const orders = page.getByRole('listitem').filter({ hasText: /^orders: / });
      await expect(orders).toBeVisible();
      const before = await orders.textContent();
      await expect(orders).not.toHaveText(before, { timeout: 60_000 });

      const { peer } = await watch.line((line) => line.event === 'machine' && line.machine === 'lamp');
      const lamp = page.getByRole('button', { name: 'Lamp' });
      await expect(lamp).toHaveText('Lamp: Off');
      await lamp.click();
      await expect(lamp).toHaveText('Lamp: On');
      await watch.line((line) => line.event === 'clock' && line.peer === peer && line.machine === 'lamp' && line.active.includes('On'));

      await page.close();
      await watch.line((line) => line.event === 'gone' && line.peer === peer && line.machine === 'lamp');
    } finally {
      await watch.stop();
    }
  });
});

test('a page that reaches no relay is told why', async ({ page }) => {
  await withExample(async (url) => {
    await page.goto(`${url}?relay=${encodeURIComponent('http://127.0.0.1:9')}`);
    await expect(page.getByRole('status')).toHaveText(/^ERR_UNREACHABLE: /, { timeout: 60_000 });
    await page.goto(`${url}?relay=nowhere`);
    await expect(page.getByRole('status')).toHaveText(/^ERR_OPTIONS: /);
  });
});
