// `cargo xtask shots`: pictures of every view of the page, at four widths, light and dark, and those of the guide. With
// `--record` the demo's incident is recorded anew instead. Waits for what the page shows, never for time.
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, expect as unlimited } from '@playwright/test';
import config from './playwright.config.mjs';
import { HEADLINE, tellsIncident, tellsRecordedIncident } from './support/incident.mjs';
import { shrink } from './support/pictures.mjs';
import { Relay } from './support/programs.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const SHOTS = process.env.STATEMESH_SHOTS ?? file('../target/shots');
const GUIDE = file('../docs/pictures');
const INCIDENT = file('../examples/incident.smesh');

const SIZES = { 360: 780, 768: 1024, 1440: 900, 2560: 1440 };
const THEMES = ['light', 'dark'];
/** What the guide and the README show: the picture, and its name there. */
const GUIDED = {
  'overview-1440-light': 'overview',
  'machine-rain-1440-light': 'machine',
  'machine-diagram-1440-dark': 'diagram',
  'machine-steps-1440-light': 'steps',
  'mesh-1440-light': 'mesh',
  'overview-360-light': 'phone',
};
/** The incident begins so many seconds after the demo, so that the page was there before it. */
const SOON = '60';
/** What happens in the demo, or in the mesh, and is on screen. */
const HAPPENED = { timeout: 240_000 };
/** What the page does by itself. */
const SHOWN = { timeout: 60_000 };
const expect = unlimited.configure(SHOWN);

const browser = await chromium.launch(config.use.launchOptions);
try {
  if (process.argv.includes('--record')) await record();
  else await pictures();
} finally {
  await browser.close();
}

/** A tab that sees the incident from before it begins, which `ready` is told, to its end. */
async function incident(use, ready = async () => {}) {
  const relay = await Relay.start('--demo', '--incident', SOON, '--seed', '7', '--topic', 'parcel-eu');
  try {
    const page = await open(relay.url);
    await expect(page.locator('.verdict h1')).toHaveText('All 30 machines are fine', HAPPENED);
    await ready(page);
    await expect(page.locator('.verdict h1')).toHaveText(HEADLINE, HAPPENED);
    await tellsIncident(page, HAPPENED.timeout);
    await use(page, relay);
    await page.context().close();
  } finally {
    await relay.stop();
  }
}

async function open(url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: SIZES[1440] }, acceptDownloads: true });
  context.setDefaultTimeout(SHOWN.timeout);
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Saves what a tab has seen, by the page's own button, as soon as the headline has all of it; and looks at what came. */
async function record() {
  const fresh = `${INCIDENT}.new`;
  let download;
  const ready = async (page) => {
    // Little is drawn, so that nothing comes late.
    await page.setViewportSize({ width: 1440, height: 400 });
    const button = page.locator('.record button', { hasText: /^Save$/ });
    download = page.waitForEvent('download', { timeout: 0 });
    download.catch(() => {}); // the page may end first, and then that is what is said
    await button.evaluate((save, headline) => {
      const look = () => (document.querySelector('.verdict h1')?.textContent === headline ? save.click() : requestAnimationFrame(look));
      look();
    }, HEADLINE);
  };
  const save = async (page, relay) => {
    await (await download).saveAs(fresh);
    say(await page.locator('.notices').innerText());
    // Another visit sees the same story in it, or it does not replace the old one.
    const other = await open(relay.url);
    const file = { name: 'incident.smesh', mimeType: 'application/octet-stream', buffer: readFileSync(fresh) };
    await other.getByLabel('Recording to open').setInputFiles(file, SHOWN);
    await tellsRecordedIncident(other, SHOWN.timeout);
    await other.context().close();
    renameSync(fresh, INCIDENT);
  };
  try {
    await incident(save, ready);
  } finally {
    rmSync(fresh, { force: true });
  }
}

async function pictures() {
  rmSync(SHOTS, { recursive: true, force: true });
  for (const folder of [SHOTS, GUIDE]) mkdirSync(folder, { recursive: true });
  await incident(ofIncident);
  const quiet = await Relay.start('--topic', 'parcel-eu');
  try {
    const page = await open(quiet.url);
    await ofSample(page);
    await page.context().close();
  } finally {
    await quiet.stop();
  }
}

/** First the views that are live, then those in time as it was when courier-17 failed; last without a relay. */
async function ofIncident(page, relay) {
  await shoot(page, 'overview');
  await page.getByRole('button', { name: 'Tiles', exact: true }).click();
  await expect(page.locator('.tiles')).toBeVisible();
  await shoot(page, 'tiles');
  await page.getByRole('button', { name: 'Lanes', exact: true }).click();
  await go(page, 'Mesh');
  await expect(page.locator('.graph [data-kind="host"]')).toHaveCount(6);
  await shoot(page, 'mesh');
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await shoot(page, 'mesh-table');
  await page.getByRole('button', { name: 'Graph', exact: true }).click();
  await go(page, 'Peers');
  await expect(page.locator('.peer-table')).toContainText('van-17');
  await shoot(page, 'peers');
  await page.keyboard.press('ControlOrMeta+k');
  await page.getByRole('combobox', { name: 'Search everything' }).fill('route');
  await shoot(page, 'search');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await expect(page.getByRole('heading', { name: 'Settings' }).first()).toBeVisible();
  await shoot(page, 'settings');

  await go(page, 'Overview');
  await page.locator('[data-attention="notready"]', { hasText: 'courier-17' }).click();
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  for (const [key, tab, name] of [['1', 'Rain', 'rain'], ['2', 'Matrix', 'matrix'], ['3', 'Diagram', 'diagram'], ['4', 'What if', 'what-if']]) {
    await page.locator('#main').focus();
    await page.keyboard.press(key);
    await expect(page.getByRole('tab', { name: tab, exact: true })).toHaveAttribute('aria-selected', 'true');
    if (name === 'what-if') await page.getByRole('tabpanel', { name: tab }).getByRole('button', { name: /^RouteOk o/ }).click();
    await page.mouse.move(0, 0);
    await shoot(page, `machine-${name}`);
    if (name === 'rain') await panes(page);
  }
  await page.locator('#main').focus();
  await page.keyboard.press('1');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  const b = page.locator('.compare-side[data-side="B"]');
  await b.locator('summary').click();
  await b.getByRole('searchbox', { name: 'Machine' }).fill('route-17');
  await b.locator('.compare-list button').first().click();
  await expect(b.locator('.compare-panel')).toBeHidden();
  await expect(page.getByRole('grid', { name: 'Rows of A and B' })).toBeVisible();
  await shoot(page, 'compare');
  await go(page, 'Overview');
  await expect(page.locator('.verdict h1')).toHaveText(/^At /);
  await shoot(page, 'overview-paused');
  await page.keyboard.press('Shift+L');

  await relay.program.kill();
  await expect(page.locator('.verdict h1')).toHaveText(/^Not live since/, HAPPENED);
  await shoot(page, 'lost');
  await relay.restart();
}

/** What somebody sees who has no machine yet; a recording and the sample, which can be looked at then. */
async function ofSample(page) {
  await expect(page.locator('.empty')).toBeVisible(HAPPENED);
  await shoot(page, 'empty');
  await page.goto(new URL('/join', page.url()).href);
  await expect(page.getByRole('heading', { name: 'Join a mesh' })).toBeVisible();
  await shoot(page, 'join');
  await page.getByRole('button', { name: 'Look at a recorded incident' }).click();
  await tellsRecordedIncident(page, SHOWN.timeout);
  await shoot(page, 'recording');
  await page.goto(new URL('/m#sample=200', page.url()).href);
  await page.reload();
  await page.locator('[data-machine$="/sample-courier"]').filter({ visible: true }).first().click(HAPPENED);
  const rain = page.getByRole('grid', { name: 'Transitions' });
  await rain.locator('.rain-row', { hasText: 'RouteLost' }).first().click();
  await page.keyboard.press('o');
  for (let step = 0; step < 6; step += 1) await page.keyboard.press(']');
  await expect(page.locator('.arcs')).toBeVisible();
  await shoot(page, 'machine-steps');
}

/** The parts of the Machine view that a phone shows one by one. */
async function panes(page) {
  const parts = page.getByRole('group', { name: 'Parts of the view' });
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width: 360, height: SIZES[360] });
    for (const part of ['States', 'Change', 'Log']) {
      await parts.getByRole('button', { name: part }).click();
      await picture(page, `machine-${part.toLowerCase()}-360-${theme}`);
    }
    await parts.getByRole('button', { name: 'Rain' }).click();
    await wide(page);
  }
}

/** Opens a view by its tab, in whatever bar that is. */
async function go(page, view) {
  await page.getByRole('link', { name: new RegExp(`^${view}`) }).filter({ visible: true }).first().click();
}

/** One view at all sizes, light and dark. What is drawn follows a size at once, a theme within a second: that comes first. */
async function shoot(page, view) {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    for (const [width, height] of Object.entries(SIZES)) {
      await page.setViewportSize({ width: Number(width), height });
      await picture(page, `${view}-${width}-${theme}`);
    }
    await wide(page);
  }
  say(view);
}

async function picture(page, name) {
  await drawn(page);
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  if (GUIDED[name]) await shrink(browser, join(SHOTS, `${name}.png`), join(GUIDE, `${GUIDED[name]}.png`));
}

async function wide(page) {
  await page.setViewportSize({ width: 1440, height: SIZES[1440] });
  await drawn(page);
}

/** Canvases and lists follow a new size within some frames. */
async function drawn(page) {
  await page.evaluate(async () => {
    for (let frame = 0; frame < 6; frame += 1) await new Promise(requestAnimationFrame);
  });
}

function say(line) {
  console.log(line);
}
