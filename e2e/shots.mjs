// `cargo xtask shots`: pictures of every view of the page, at four widths, light and dark, and those of the guide. With
// `--record` the demo's incident is recorded anew instead. Waits for what the page shows, never for time.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, expect } from '@playwright/test';
import config from './playwright.config.mjs';
import { shrink } from './support/pictures.mjs';
import { Relay } from './support/programs.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const SHOTS = process.env.STATEMESH_SHOTS ?? file('../target/shots');
const GUIDE = file('../docs/pictures');
const INCIDENT = file('../examples/incident.smesh');

const SIZES = { 360: 780, 768: 1024, 1440: 900, 2560: 1440 };
const THEMES = ['light', 'dark'];
/** What the guide shows: the picture, and its name there. */
const GUIDED = {
  'overview-1440-light': 'overview',
  'machine-rain-1440-light': 'machine',
  'machine-diagram-1440-dark': 'diagram',
  'machine-steps-1440-light': 'steps',
  'mesh-1440-light': 'mesh',
  'compare-1440-light': 'compare',
  'overview-360-light': 'phone',
};
/** The incident begins so many seconds after the demo, so that the page was there before it. */
const SOON = '60';
/** What the page says when all of it has happened. */
const HEADLINE = '3 machines need attention, 1 host is silent';
/** What happens in the demo, or in the mesh, and is on screen. */
const HAPPENED = { timeout: 180_000 };

const browser = await chromium.launch(config.use.launchOptions);
try {
  if (process.argv.includes('--record')) await record();
  else await pictures();
} finally {
  await browser.close();
}

/** A tab that has seen the incident: route-17 failed, two others followed, a host is silent. `ready` comes before it. */
async function incident(use, ready = async () => {}) {
  const relay = await Relay.start('--demo', '--incident', SOON, '--seed', '7', '--topic', 'parcel-eu');
  try {
    const page = await open(relay.url);
    await expect(page.locator('.verdict h1')).toHaveText('All 30 machines are fine', HAPPENED);
    await ready(page);
    await expect(page.locator('.verdict h1')).toHaveText(HEADLINE, HAPPENED);
    await expect(page.locator('.verdict')).toContainText('route-17 failed first');
    await use(page, relay);
    await page.context().close();
  } finally {
    await relay.stop();
  }
}

async function open(url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Saves what a tab has seen, by the page's own button, as soon as the headline has all of it. */
async function record() {
  let download;
  const ready = async (page) => {
    // Little is drawn, so that nothing comes late.
    await page.setViewportSize({ width: 1440, height: 400 });
    await page.locator('.record summary').click();
    const button = page.getByRole('button', { name: 'Save', exact: true });
    download = page.waitForEvent('download', { timeout: 0 });
    download.catch(() => {}); // the page may end first, and then that is what is said
    await button.evaluate((save, headline) => {
      const look = () => (document.querySelector('.verdict h1')?.textContent === headline ? save.click() : requestAnimationFrame(look));
      look();
    }, HEADLINE);
  };
  const save = async (page) => {
    await (await download).saveAs(INCIDENT);
    say(await page.locator('.notices').innerText());
  };
  await incident(save, ready);
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

/** The views in time, first those that are live, then as it was when route-17 failed; last without a relay. */
async function ofIncident(page, relay) {
  await shoot(page, 'overview');
  await page.getByRole('button', { name: 'Tiles', exact: true }).click();
  await expect(page.locator('.tiles')).toBeVisible();
  await shoot(page, 'overview-tiles');
  await page.getByRole('button', { name: 'Lanes', exact: true }).click();
  await go(page, 'Mesh');
  await expect(page.locator('.graph [data-kind="host"]')).toHaveCount(6);
  await shoot(page, 'mesh');
  await go(page, 'Peers');
  await expect(page.locator('.peer-table, .peers').first()).toContainText('van-17');
  await shoot(page, 'peers');

  await go(page, 'Overview');
  await page.locator('[data-attention]', { hasText: 'courier-17' }).click();
  await expect(page.locator('.dock')).toHaveAttribute('data-time', 'paused');
  for (const [key, tab] of [['1', 'rain'], ['2', 'matrix'], ['3', 'diagram'], ['4', 'what-if']]) {
    await page.locator('#main').focus();
    await page.keyboard.press(key);
    await expect(page.locator(`[role="tab"][aria-selected="true"]`).filter({ hasText: words(tab) }).first()).toBeVisible();
    if (tab === 'what-if') await ask(page);
    await shoot(page, `machine-${tab}`);
  }
  await page.keyboard.press('1');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.locator('.compare-side[data-side="B"] summary').click();
  await page.locator('.compare-side[data-side="B"] .compare-list button', { hasText: 'courier-16' }).or(page.locator('.compare-side[data-side="B"] .compare-list button', { hasText: 'route-17' })).first().click();
  await expect(page.locator('.compare-side[data-side="B"] .compare-panel')).toBeHidden();
  await expect(page.getByRole('grid', { name: 'Rows of A and B' })).toBeVisible();
  await shoot(page, 'compare');
  await go(page, 'Overview');
  await expect(page.locator('.verdict h1')).toHaveText(/^At /);
  await shoot(page, 'overview-paused');
  await page.keyboard.press('Shift+L');
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await expect(page.getByRole('heading', { name: 'Settings' }).first()).toBeVisible();
  await shoot(page, 'settings');

  await go(page, 'Overview');
  await relay.program.kill();
  await expect(page.locator('.verdict h1')).toHaveText(/^Not live since/, HAPPENED);
  await shoot(page, 'lost');
  await relay.restart();
}

/** What somebody sees who has no machine yet, and the sample that can be run then. */
async function ofSample(page) {
  await expect(page.locator('.empty')).toBeVisible(HAPPENED);
  await shoot(page, 'empty');
  await page.goto(new URL('/join', page.url()).href);
  await expect(page.getByRole('heading', { name: 'Join a mesh' })).toBeVisible();
  await shoot(page, 'join');
  await page.goto(new URL('/m#sample=200', page.url()).href);
  await page.reload();
  await page.locator('[data-machine$="/sample-courier"]').filter({ visible: true }).first().click(HAPPENED);
  const rain = page.getByRole('grid', { name: 'Transitions' });
  await expect(rain.locator('.rain-row').first()).toBeVisible();
  await rain.locator('.rain-row', { hasText: 'RouteLost' }).first().click();
  for (let step = 0; step < 6; step += 1) await page.keyboard.press(']');
  await expect(page.locator('.arcs')).toBeVisible();
  await shoot(page, 'machine-steps');
}

/** An answer of What if, to a question that can be asked of every machine. */
async function ask(page) {
  const states = page.locator('.what-if').getByRole('combobox').or(page.locator('.what-if').getByRole('checkbox'));
  await expect(states.first()).toBeVisible();
}

const words = (tab) => ({ rain: 'Rain', matrix: 'Matrix', diagram: 'Diagram', 'what-if': 'What if' })[tab];

/** Opens a view by its tab, in whatever bar that is. */
async function go(page, view) {
  await page.getByRole('link', { name: new RegExp(`^${view}`) }).filter({ visible: true }).first().click();
}

/** One view at all sizes, light and dark. */
async function shoot(page, view) {
  for (const [width, height] of Object.entries(SIZES)) {
    await page.setViewportSize({ width: Number(width), height });
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await drawn(page);
      const name = `${view}-${width}-${theme}`;
      await page.screenshot({ path: join(SHOTS, `${name}.png`) });
      if (GUIDED[name]) await shrink(browser, join(SHOTS, `${name}.png`), join(GUIDE, `${GUIDED[name]}.png`));
    }
  }
  await page.setViewportSize({ width: 1440, height: SIZES[1440] });
  await drawn(page);
  say(view);
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
