// Getting in: from the relay's own page without a question (D01), over each transport (D02), and what the page says
// when it cannot (D04).
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test, expect, connection, onlyTransport, remoteMachines } from '../support/fixtures.mjs';
import { serveDist, distFile } from '../support/page.mjs';
import { freePort } from '../support/programs.mjs';

/** A machine of another peer is on screen 1.5 s after navigation. */
const PAINTED = 15_000;
/** A dial gives up after 2 s. */
const GAVE_UP = 20_000;

test('D01 opening the relay’s address lists machines without any input', async ({ page, demoRelay }) => {
  await page.goto(demoRelay.url);
  await expect(remoteMachines(page, demoRelay).first()).toBeVisible({ timeout: PAINTED });
  await expect(connection(page, 'live')).toBeVisible();
  await expect(page).toHaveTitle(/parcel-eu/);
  await expect(page.getByRole('textbox').and(page.locator(':focus'))).toHaveCount(0);
});

for (const transport of ['ws', 'webrtc']) {
  test(`D02 joins over ${transport} alone`, async ({ page, demoRelay }) => {
    await onlyTransport(page, transport);
    await page.goto(demoRelay.url);
    await expect(remoteMachines(page, demoRelay).first()).toBeVisible({ timeout: PAINTED });
    await expect(connection(page, 'live')).toHaveAttribute('data-transport', transport);
  });
}

test('D02 a browser with neither transport is told so', async ({ page, demoRelay }) => {
  await onlyTransport(page, 'ws');
  await onlyTransport(page, 'webrtc');
  await page.goto(demoRelay.url);
  await expect(page.getByText('This browser cannot run the mesh peer: WebSocket and WebRTC are both off.').first()).toBeVisible({ timeout: PAINTED });
  await expect(connection(page, 'live')).toHaveCount(0);
});

test('a browser without WebAssembly is told so', async ({ page, demoRelay }) => {
  await page.addInitScript(() => delete globalThis.WebAssembly);
  await page.goto(demoRelay.url);
  await expect(page.getByText('This browser cannot run the mesh peer: WebAssembly is off.')).toBeVisible();
});

test.describe('D04', () => {
  test('no relay: the page asks for one', async ({ page }) => {
    await withStaticPage(async (url) => {
      await page.goto(url);
      await expect(page.getByRole('heading', { name: 'Join a mesh' })).toBeVisible({ timeout: PAINTED });
      await expect(page.getByText('This page was not opened from a relay. Paste the address of one to join.')).toBeVisible();
      await expect(page.getByRole('textbox')).toBeEditable();
      await expect(page.getByText('statemesh relay')).toBeVisible();
    });
  });

  test('a malformed address is explained in place', async ({ page }) => {
    await withStaticPage(async (url) => {
      await page.goto(url);
      await join(page, '/ip4/127.0.0.1/tcp');
      await expect(page.getByRole('alert')).not.toBeEmpty();
      await expect(page.getByRole('textbox')).toBeFocused();
      await expect(page.getByRole('textbox')).toHaveValue('/ip4/127.0.0.1/tcp');
    });
  });

  test('an address that does not answer', async ({ page, demoRelay }) => {
    const port = await freePort('tcp');
    await withStaticPage(async (url) => {
      await page.goto(url);
      await join(page, `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${demoRelay.peer}`);
      await expect(page.getByText(/did not answer on 1 address within 2 s\. Is it running\? Check the address, or paste another\./)).toBeVisible({ timeout: GAVE_UP });
      await expect(page.getByRole('textbox')).toBeFocused();
    });
  });

  test('a local address from an https page', async ({ context, demoRelay }) => {
    // No TLS server is needed: every answer of this origin comes from the page's own files.
    await context.route('https://dash.example/**', (route) => {
      const file = distFile(new URL(route.request().url()).pathname);
      return file ? route.fulfill({ path: file }) : route.fulfill({ status: 404 });
    });
    const page = await context.newPage();
    await page.goto('https://dash.example/');
    await join(page, `/ip4/192.168.7.20/tcp/8700/ws/p2p/${demoRelay.peer}`);
    await expect(page.getByText(/The browser blocked a local address from an https page\./)).toBeVisible({ timeout: GAVE_UP });
    await expect(page.getByText(/Open http:\/\/192\.168\.7\.20:8700/)).toBeVisible();
    await expect(page.getByRole('textbox')).toBeFocused();
  });
});

async function join(page, address) {
  await page.getByRole('textbox').fill(address);
  await page.getByRole('button', { name: 'Join' }).click();
}

/** The page from a server that is no relay. */
async function withStaticPage(use) {
  const server = createServer(serveDist);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
