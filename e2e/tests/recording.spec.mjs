// What a tab has seen as a file, and a file as what a tab has seen.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { test, expect, machineRow, stateInView } from '../support/fixtures.mjs';
import { serveDist } from '../support/page.mjs';
import { recording } from '../support/smesh.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 15_000;

const dock = (page) => page.locator('.dock');
const pill = (page) => page.locator('[data-connection]').first();
const tick = (page, value) => expect(stateInView(page, 'On')).toHaveAttribute('data-tick', String(value), { timeout: FOLLOWED });

/** Two machines, and a page that saw `ticks` changes of the first. */
async function seen(page, start, ticks) {
  const relay = await start.relay('--topic', 'parcel-eu');
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On', 'ErrBulb'], tags: ['host:desk', 'room:7'] });
  scripted.tell({ do: 'expose', id: 'door', states: ['Open'], tags: ['host:desk'] });
  await page.goto(relay.url);
  await expect(machineRow(page, scripted.peer, 'door')).toBeVisible({ timeout: FOLLOWED });
  await machineRow(page, scripted.peer, 'lamp').click();
  for (let n = 1; n <= ticks; n += 1) {
    scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
    await tick(page, n);
  }
  return { relay, scripted };
}

/** Saves what `part` says and gives the file. */
async function save(page, part) {
  await page.locator('.dock .record summary').click();
  await page.getByRole('combobox', { name: 'What to save' }).selectOption(part);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const file = await download;
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

/** Drops a file on the page. */
async function drop(page, name, bytes) {
  await page.evaluate(
    ({ name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    { name, base64: bytes.toString('base64') },
  );
}

/** Goes to an address by hand, without loading. */
async function visit(page, path, hash) {
  await page.evaluate(({ path, hash }) => {
    history.pushState(null, '', path + hash);
    dispatchEvent(new PopStateEvent('popstate', { state: null }));
  }, { path, hash });
}

/** What the views say of the mesh at the moment shown. */
async function views(page, hash) {
  await visit(page, '/', hash);
  await expect(dock(page)).toHaveAttribute('data-time', 'paused');
  await expect(page.locator('.fleet')).toBeVisible();
  await page.waitForTimeout(500);
  const text = (selector) => page.locator(selector).allInnerTexts();
  // The tab's own place in the mesh is not the mesh's.
  const overview = [await text('.verdict h1'), await text('.counts'), await text('.attention'), await text('.host-name'), await text('.fleet .row')];
  await visit(page, '/m', hash.replace('#v=1', '#v=1&id=lamp'));
  await expect(page.locator('.machine-view h1')).toHaveText('lamp');
  await page.waitForTimeout(500);
  const machine = [await text('.machine-head h1'), await text('.facts'), await text('.tree'), await text('.changes-pane')];
  return { overview, machine };
}

/** The page as plain files, with no relay near. */
async function withoutRelay(use) {
  const server = createServer(serveDist);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

for (const part of ['all', 'window', 'machines']) {
  test(`D36 a recording shows the same in another browser, without any network: ${part}`, async ({ page, browser, start }) => {
    const { scripted } = await seen(page, start, 4);
    scripted.tell({ do: 'toggle', id: 'lamp', state: 'ErrBulb' });
    await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-tick', '1', { timeout: FOLLOWED });
    for (let n = 0; n < 3; n += 1) await page.keyboard.press('ArrowLeft');
    await tick(page, 3);
    await expect.poll(() => new URL(page.url()).hash).toMatch(/&c=3&/);
    const at = new URL(page.url()).hash.match(/&a=(\d+)/)[1];
    // The window ends where the page looked first.
    const other = part === 'window' ? -100_000n : 700_000n;
    const moments = [`#v=1&a=${at}`, `#v=1&a=${BigInt(at) + other}`];

    const file = await save(page, part);
    expect(file.name).toMatch(/^parcel-eu-\d{4}\.smesh$/);
    expect(gunzipSync(file.bytes).subarray(0, 20).toString()).toBe('statemesh recording\n');
    const count = part === 'machines' ? '1 machine' : String.raw`\d+ machines`;
    await expect(page.locator('.notices')).toHaveText(
      new RegExp(`^Saved ${file.name} \\(\\d+(\\.\\d)? (bytes|KB), ${count}, \\d\\d:\\d\\d-\\d\\d:\\d\\d\\)\\.`),
    );
    const expected = [];
    for (const moment of moments) expected.push(await views(page, moment));
    expect(JSON.stringify(expected)).toContain('desk');
    await withoutRelay(async (url) => {
      const context = await browser.newContext();
      const other = await context.newPage();
      // The rest of the program comes by itself.
      const whole = other.waitForResponse(/_rest\.wasm$/).then((answer) => answer.finished());
      await other.goto(`${url}join`);
      await expect(other.getByLabel('Recording to open')).toBeVisible({ timeout: FOLLOWED });
      await whole;
      await context.setOffline(true);
      await other.getByLabel('Recording to open').setInputFiles({ name: file.name, mimeType: '', buffer: file.bytes });
      await expect(pill(other)).toHaveText('Recording');
      await expect(other.getByText(`This is the recording ${file.name}`)).toBeVisible();
      for (const [n, moment] of moments.entries()) {
        const shown = await views(other, moment);
        if (part === 'machines') {
          expect(shown.machine).toEqual(expected[n].machine);
        } else {
          expect(shown).toEqual(expected[n]);
        }
      }
      await visit(other, '/', moments[0]);
      await expect(other.locator('.fleet')).toContainText('desk');
      await expect(other.locator('.fleet'), 'who it is is known').not.toContainText('Go, snapshots');
      // There is nothing live to go back to, and the page says so.
      await other.getByRole('button', { name: 'Back to live' }).first().click();
      await expect(pill(other)).not.toHaveText('Recording');
      await context.close();
    });
  });
}

test('D36 a recording is looked through like the live mesh, which goes on beside it', async ({ page, start }) => {
  const { scripted } = await seen(page, start, 2);
  const download = page.waitForEvent('download');
  await page.keyboard.press('ControlOrMeta+s');
  const path = await (await download).path();
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await tick(page, 3);
  await drop(page, 'kept.smesh', readFileSync(path));
  await expect(page.getByText('This is the recording kept.smesh')).toBeVisible();
  await tick(page, 2);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await tick(page, 1);
  await page.keyboard.press('ArrowRight');
  await tick(page, 2);
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await page.waitForTimeout(1_000);
  await tick(page, 2);
  await page.keyboard.press('Shift+L');
  await tick(page, 4);
  await expect(pill(page)).toHaveText(/^Connected/);
  await expect(dock(page)).toHaveAttribute('data-time', 'live');
});

test('D37 damaged, newer and foreign files are told apart, and the page goes on', async ({ page, start }) => {
  const { scripted } = await seen(page, start, 2);
  const { bytes } = await save(page, 'all');
  const plain = gunzipSync(bytes);
  const notice = page.locator('.notices');
  const newer = Buffer.from(plain);
  newer[20] = 4;
  const damaged = Buffer.from(plain);
  damaged[Math.floor(plain.length / 3)] ^= 0xff;
  const cases = [
    [Buffer.from('GIF89a'), /^Not a statemesh recording: unknown header\./],
    [Buffer.alloc(0), /^Not a statemesh recording: unknown header\./],
    [gzipSync(newer), /^Recording from a newer version \(4\)\. This page reads up to 1\./],
    [gzipSync(damaged), /^Damaged after \d\d:\d\d; \d of \d machines were read\./],
    [bytes.subarray(0, Math.floor(bytes.length * 0.6)), /^Damaged/],
    [newer.subarray(0, 20), /^Damaged: the recording ends in its header\./],
  ];
  for (const [content, sentence] of cases) {
    await drop(page, 'x.smesh', content);
    await expect(notice).toHaveText(sentence);
    await page.keyboard.press('Shift+L');
    await page.getByRole('button', { name: 'Close' }).click();
    await expect(notice).toHaveText('');
  }
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await tick(page, 3);
});

test('D24 messages that never came are a row with their numbers and ticks, and the clock is the owner’s in the end', async ({ page, start }) => {
  const relay = await start.relay();
  await page.goto(relay.url);
  await expect(pill(page)).toHaveAttribute('data-connection', 'live', { timeout: FOLLOWED });
  const states = ['Driving', 'AtStop', 'Waiting'];
  // 851 and 852 are missing until the owner says its clock.
  const steps = ['+Driving', '?+AtStop', '?+Waiting', '-Driving', '='];
  await drop(page, 'gap.smesh', recording({ id: 'courier-17', states, steps, first: 850 }));
  await expect(page.getByText('This is the recording gap.smesh')).toBeVisible();
  await visit(page, '/m', '#id=courier-17');
  const rain = page.getByRole('grid', { name: 'Transitions' });
  await expect(rain.locator('[data-kind="gap"]')).toHaveText('851, 852 not received: 2 ticks missed, order unknown');
  const rows = await rain.locator('.rain-row').evaluateAll((all) =>
    all.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.querySelector('.tx')?.textContent ?? row.dataset.kind),
  );
  expect(rows, 'the last is the owner’s word').toEqual(['', '850', 'gap', '853', '']);
  const ticks = () => Promise.all(states.map((state) => stateInView(page, state).getAttribute('data-tick')));
  expect(await ticks()).toEqual(['2', '1', '1']);
  // Until that word the clock lacks those ticks, and the page says so.
  await rain.locator('.rain-row', { hasText: '853' }).last().click();
  await expect.poll(ticks).toEqual(['2', '0', '0']);
  await expect(page.getByRole('region', { name: 'Change at the cursor' })).toContainText('851, 852 not received');
});

test('a link to a recording asks first, and opens none from elsewhere', async ({ page, start }) => {
  const { relay } = await seen(page, start, 2);
  const { bytes } = await save(page, 'all');
  await page.route('**/run/kept.smesh', (route) => route.fulfill({ body: bytes }));
  await page.goto(`${relay.url}#open=//elsewhere.example/kept.smesh`);
  await expect(dock(page)).toBeVisible({ timeout: FOLLOWED });
  await expect(page.locator('.notices')).toHaveText('');
  await visit(page, '/', '#open=/run/kept.smesh');
  await expect(page.locator('.notices')).toContainText('This link opens the recording /run/kept.smesh.');
  await expect(pill(page)).toHaveText(/^Connected/);
  await page.getByRole('button', { name: 'Open it' }).click();
  await expect(pill(page)).toHaveText('Recording');
});

/** What this browser holds for the page. */
const kept = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const open = indexedDB.open('statemesh', 1);
        open.onerror = () => reject(open.error);
        open.onsuccess = () => {
          const rows = open.result.transaction('recording').objectStore('recording').count();
          rows.onsuccess = () => (open.result.close(), resolve(rows.result));
        };
      }),
  );

test('D58 what was recorded to this browser is back after a reload, until it is deleted', async ({ page, start }) => {
  const { scripted } = await seen(page, start, 2);
  await page.locator('.dock .record summary').click();
  const keep = page.getByRole('switch', { name: 'Record to this browser' });
  await expect(keep).not.toBeChecked();
  await expect(page.getByText('0 bytes kept here.')).toBeVisible();
  await keep.check();
  await expect.poll(() => kept(page), { timeout: FOLLOWED }).toBe(1);
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await tick(page, 3);
  await expect.poll(() => kept(page), { timeout: FOLLOWED }).toBeGreaterThan(1);
  await expect(page.getByText(/^\d+(\.\d)? (bytes|KB) kept here\./)).toBeVisible();

  await page.reload();
  await expect(page.getByText('Your recording was loaded again.')).toBeVisible({ timeout: FOLLOWED });
  await tick(page, 3);
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await tick(page, 4);
  // Before this page was loaded: its first look at the machine was at 3.
  for (const _ of [4, 3, 2, 1]) await page.keyboard.press('ArrowLeft');
  await expect.poll(async () => Number(await stateInView(page, 'On').getAttribute('data-tick'))).toBeLessThan(3);
  await page.keyboard.press('Shift+L');

  await page.locator('.dock .record summary').click();
  await expect(keep).toBeChecked();
  await page.getByRole('button', { name: 'Delete now' }).click();
  await expect(page.getByText('The recording in this browser was deleted.')).toBeVisible();
  await expect.poll(() => kept(page)).toBe(0);
  await expect(keep).not.toBeChecked();
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await page.waitForTimeout(4_000);
  expect(await kept(page), 'off is off').toBe(0);
  await page.reload();
  await tick(page, 5);
  await expect(page.getByText('Your recording was loaded again.')).toBeHidden();
});

test('D58 a browser that keeps nothing says so', async ({ page, start }) => {
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('denied', 'SecurityError');
    };
  });
  await seen(page, start, 1);
  await page.locator('.dock .record summary').click();
  const keep = page.getByRole('switch', { name: 'Record to this browser' });
  await keep.click();
  await expect(page.locator('.notices')).toContainText('Not recording: this browser keeps nothing for this page.');
  await expect(keep).not.toBeChecked();
});

test('D58 a browser that is full says so, and the page goes on', async ({ page, start }) => {
  await page.addInitScript(() => {
    IDBObjectStore.prototype.put = function () {
      this.transaction.abort();
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  const { scripted } = await seen(page, start, 1);
  await page.locator('.dock .record summary').click();
  const keep = page.getByRole('switch', { name: 'Record to this browser' });
  await keep.click();
  await expect(page.locator('.notices')).toContainText('Not saved: the browser has no room (0 bytes used).', { timeout: FOLLOWED });
  await expect(keep).not.toBeChecked();
  scripted.tell({ do: 'toggle', id: 'lamp', state: 'On' });
  await tick(page, 2);
});

test('bookmarks have a name and a note, stay in this browser and travel with a recording', async ({ page, start }) => {
  const { scripted } = await seen(page, start, 3);
  for (const _ of [3, 2]) await page.keyboard.press('ArrowLeft');
  await tick(page, 2);
  await page.keyboard.press('b');
  await expect(page.locator('.notices')).toContainText('Bookmarked.');
  await page.keyboard.press('Shift+L');
  await page.keyboard.press('Shift+B');
  const name = page.getByRole('textbox', { name: 'Name' });
  await expect(name).toHaveValue(/^lamp \d\d:\d\d:\d\d\.\d{3}$/);
  await name.fill('it went off <b>');
  await page.getByRole('textbox', { name: 'Note' }).fill('ask the janitor');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
  await expect(name).toBeHidden();
  const { bytes } = await save(page, 'all');
  expect(gunzipSync(bytes).toString('latin1')).toContain('ask the janitor');

  await page.keyboard.press('Shift+B');
  await page.getByRole('link', { name: 'Go to it went off <b>' }).click();
  await tick(page, 2);
  await expect(dock(page)).toHaveAttribute('data-time', 'paused');
  await page.reload();
  await tick(page, 3);
  await page.keyboard.press('Shift+B');
  await expect(page.getByRole('textbox', { name: 'Note' })).toHaveValue('ask the janitor');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(name).toHaveCount(0);

  await drop(page, 'kept.smesh', bytes);
  const own = page.locator('.dock .record').getByRole('link', { name: 'it went off <b>' });
  await own.click();
  await tick(page, 2);
  await expect(pill(page)).toHaveText('Recording');
  expect(scripted.peer).toBeTruthy();
});
