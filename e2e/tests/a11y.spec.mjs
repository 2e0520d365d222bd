// For everybody: axe on every view, contrast as designed (D18), keys alone (D19), less motion, forced colours, zoom and
// what screen readers are told (D39).
import { test, expect, connection, machineRow, remoteMachines, sideways, stateInView } from '../support/fixtures.mjs';
import { barriers } from '../support/axe.mjs';

/** A message of the mesh, from one peer to the screen of another. */
const FOLLOWED = 30_000;
/** The page, its program and the first connection. */
const LOADED = 60_000;

const dock = (page) => page.locator('.dock');
const isPaused = (page) => expect(dock(page)).toHaveAttribute('data-time', 'paused');

/** A relay and a lamp that can break. */
async function lamp(start) {
  const relay = await start.relay('--topic', 'parcel-eu');
  const scripted = await start.scripted(relay);
  scripted.tell({ do: 'expose', id: 'lamp', states: ['On', 'Ready', 'ErrBulb'], tags: ['host:desk'] });
  const toggle = (state) => scripted.tell({ do: 'toggle', id: 'lamp', state });
  return { relay, scripted, toggle, row: (page) => machineRow(page, scripted.peer, 'lamp') };
}

/** In the page: what is seen of a token, as sRGB. */
const tokens = (page, names) =>
  page.evaluate((names) => {
    const probe = document.body.appendChild(document.createElement('i'));
    const colour = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    };
    const colours = Object.fromEntries(names.map((name) => [name, colour(name)]));
    probe.remove();
    return colours;
  }, names);

/** Relative luminance and contrast of WCAG 2. */
function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

/** Token, on which surfaces, contrast when dark and when light: the table of the design. */
const ROWS = ['panel', 'hover', 'accent-bg'];
const CONTRASTS = [
  ['ctl', ROWS, [3.95, 3.25, 3.29], [3.66, 3.06, 3.13]],
  ['text', ROWS, [14.49, 11.93, 12.06], [17.82, 14.89, 15.22]],
  ['text-2', ROWS, [8.38, 6.9, 6.98], [8.08, 6.75, 6.9]],
  ['text-3', ROWS, [5.93, 4.88, 4.94], [5.84, 4.88, 4.99]],
  ['accent', ROWS, [8.05, 6.63, 6.71], [5.85, 4.88, 4.99]],
  ['on-accent', ['accent'], [8.35], [5.85]],
  ['active', ROWS, [8.26, 6.8, 6.88], [5.6, 4.67, 4.78]],
  ['active-line', ['panel', 'accent-bg'], [4.27, 3.56], [3.82, 3.26]],
  ['multi', ROWS, [7.9, 6.51, 6.58], [6.56, 5.48, 5.6]],
  ['error', [...ROWS, 'error-bg'], [7.05, 5.81, 5.87, 6.24], [6.1, 5.1, 5.21, 5.29]],
  ['warn', [...ROWS, 'warn-bg'], [8.85, 7.28, 7.37, 7.42], [6.43, 5.37, 5.49, 5.77]],
  ['warn-fill', ROWS, [8.85, 7.28, 7.37], [3.7, 3.09, 3.16]],
  ['auto', ROWS, [7.39, 6.08, 6.15], [6.38, 5.33, 5.45]],
  ['canceled', ROWS, [7.03, 5.79, 5.85], [6.63, 5.54, 5.66]],
  ['changed', ROWS, [16.47, 13.56, 13.71], [19.34, 16.15, 16.52]],
  ['ok', ROWS, [7.76, 6.39, 6.46], [5.69, 4.75, 4.86]],
];

for (const theme of ['dark', 'light']) {
  test.describe(theme, () => {
    test.use({ colorScheme: theme });

    test(`D18 ${theme}: every pair of tokens has the contrast of the design`, async ({ page, demoRelay }) => {
      await page.goto(`${demoRelay.url}settings`);
      const names = new Set(CONTRASTS.flatMap(([token, surfaces]) => [token, ...surfaces]));
      const colours = await tokens(page, [...names]);
      for (const [token, surfaces, ...designed] of CONTRASTS) {
        surfaces.forEach((surface, at) => {
          const wanted = designed[theme === 'dark' ? 0 : 1][at];
          const is = contrast(colours[token], colours[surface]);
          expect(Math.abs(is - wanted), `${token} on ${surface}: ${is.toFixed(2)}, not ${wanted}`).toBeLessThanOrEqual(0.1);
        });
      }
    });

    test(`D18 ${theme}: axe finds nothing grave in any view`, async ({ page, demoRelay }) => {
      test.setTimeout(900_000);
      const found = [];
      const look = async (where) => found.push(...(await barriers(page)).map((line) => `${where}: ${line}`));
      const lookAtAllWidths = async (where) => {
        for (const [width, height] of [[360, 780], [768, 1024], [1440, 900]]) {
          await page.setViewportSize({ width, height });
          await look(`${where}, ${width}`);
        }
      };
      const open = (view) => page.getByRole('link', { name: view, exact: true }).filter({ visible: true }).first().click();

      await page.goto(demoRelay.url);
      await expect(connection(page, 'live')).toBeVisible({ timeout: LOADED });
      const row = remoteMachines(page, demoRelay).first();
      await expect(row).toBeVisible();
      await lookAtAllWidths('Overview');
      await page.getByRole('button', { name: 'Tiles' }).click();
      await expect(page.locator('.tiles canvas')).toBeVisible();
      await page.getByRole('listbox', { name: 'Machines' }).press('ArrowRight');
      await expect(page.locator('#tile-chosen')).toHaveAccessibleName(/ on /);
      await look('Tiles');
      await page.getByRole('button', { name: 'Lanes' }).click();

      for (const [panel, keys] of [['palette', 'ControlOrMeta+k'], ['keys', '?'], ['link menu', 'Shift+C']]) {
        await page.keyboard.press(keys);
        await expect(page.getByRole('dialog')).toBeVisible();
        await look(panel);
        await page.keyboard.press('Escape');
        await expect(page.getByRole('dialog')).toBeHidden();
      }
      await page.keyboard.press('Shift+B');
      await expect(page.getByRole('group', { name: 'Recording' })).toBeVisible();
      await look('record menu');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Space');
      await isPaused(page);
      await look('Overview, paused');
      await page.keyboard.press('Shift+L');

      await open('Machines');
      await expect(row).toBeVisible();
      await look('Machines');
      await row.click();
      await expect(stateInView(page).first()).toBeVisible();
      await page.getByRole('button', { name: /^Filters/ }).click();
      await lookAtAllWidths('Machine');
      for (const tab of ['Matrix', 'Diagram', 'What if']) {
        await page.getByRole('tab', { name: tab }).click();
        await expect(page.getByRole('tab', { name: tab })).toHaveAttribute('aria-selected', 'true');
        await look(tab);
      }
      await page.getByRole('tab', { name: 'Rain' }).click();
      await page.getByRole('button', { name: 'Previous change' }).click();
      await isPaused(page);
      await stateInView(page).first().press('Enter');
      await look('Machine, paused');
      await page.getByLabel('Machine menu').first().click();
      await look('machine menu');

      await page.keyboard.press('Escape');

      await open('Mesh');
      await expect(page.locator('.node').first()).toBeVisible();
      await lookAtAllWidths('Mesh');
      await page.getByRole('button', { name: 'Table' }).click();
      await expect(page.locator('.mesh-tables')).toBeVisible();
      await look('Mesh as tables');

      await open('Peers');
      await expect(page.getByRole('table').getByRole('row').nth(1)).toBeVisible();
      await lookAtAllWidths('Peers');
      await open('Compare');
      await expect(page.locator('.compare-sides')).toBeVisible();
      await lookAtAllWidths('Compare');
      await open('Settings');
      await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
      await lookAtAllWidths('Settings');
      await page.goto(`${demoRelay.url}join`);
      await expect(page.getByRole('heading', { name: 'Join a mesh' })).toBeVisible({ timeout: LOADED });
      await lookAtAllWidths('Join');
      expect(found).toEqual([]);
    });
  });
}

/** What has the focus, and whether one sees that. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    // A node of a drawing is marked by its edge.
    const edge = element.matches('.card') ? getComputedStyle(element.querySelector('rect')).strokeWidth : '0';
    const seen = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || parseFloat(edge) >= 3;
    return { is: element.outerHTML.slice(0, 120), body: element === document.body, seen, attention: 'attention' in element.dataset };
  });

/** Walks on with Tab until `ends`, at most so many steps; everybody on the way is seen to have the focus. */
async function walk(page, steps, ends = () => false) {
  const unseen = [];
  for (let step = 0; step < steps; step += 1) {
    await page.keyboard.press('Tab');
    const focus = await focused(page);
    if (!focus.body && !focus.seen) unseen.push(focus.is);
    if (focus.body || ends(focus)) break;
  }
  expect(unseen, 'focus that is not seen').toEqual([]);
}

test('D19 keys alone lead from the overview to the moment and its link, with the focus in sight', async ({ page, context, start }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const { relay, toggle, row } = await lamp(start);
  await page.goto(relay.url);
  await expect(row(page)).toBeVisible({ timeout: LOADED });
  toggle('ErrBulb');
  await expect(page.locator('[data-attention="error"]')).toBeVisible({ timeout: FOLLOWED });
  await walk(page, 60, (focus) => focus.attention);
  await expect(page.locator('[data-attention="error"]')).toBeFocused();
  await page.keyboard.press('Enter');
  await isPaused(page);
  await expect(stateInView(page, 'ErrBulb')).toHaveAttribute('data-tick', '1');
  await page.keyboard.press('c');
  await expect(page.getByText('Link copied')).toBeVisible();
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  expect(link.hash).toMatch(/id=lamp@\w{8}&/);

  // In the tree letters search, and command nothing.
  const address = page.url();
  await stateInView(page, 'On').focus();
  await page.keyboard.press('r');
  await expect(stateInView(page, 'Ready')).toBeFocused();
  await page.keyboard.press('e');
  await expect(stateInView(page, 'Ready')).toBeFocused();
  await isPaused(page);
  expect(new URL(page.url()).pathname).toBe(new URL(address).pathname);

  await walk(page, 120);
});

test('D39 with less motion nothing moves by itself', async ({ page, demoRelay }) => {
  const running = () => page.evaluate(() => document.getAnimations().filter((it) => it.playState === 'running').length);
  await page.goto(demoRelay.url);
  await expect(connection(page, 'live')).toBeVisible({ timeout: LOADED });
  expect(await running(), 'the dot of the connection pulses').toBeGreaterThan(0);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const path of ['', 'm', 'mesh', 'peers', 'compare', 'settings']) {
    await page.goto(`${demoRelay.url}${path}`);
    await expect(connection(page, 'live')).toBeVisible({ timeout: LOADED });
    expect(await running(), path).toBe(0);
  }
});

for (const theme of ['dark', 'light']) {
  test(`D39 ${theme}: glyphs and lanes stay with forced colours`, async ({ page, start }) => {
    await page.emulateMedia({ colorScheme: theme });
    const { relay, row, toggle } = await lamp(start);
    await page.goto(relay.url);
    await expect(row(page)).toBeVisible({ timeout: LOADED });
    toggle('ErrBulb');
    await expect(page.locator('[data-attention="error"]')).toBeVisible({ timeout: FOLLOWED });
    const before = await page.screenshot();
    // The reader's colours are not the page's: what the system gives is the other way round than the theme.
    await page.emulateMedia({ forcedColors: 'active', colorScheme: theme });
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme === 'dark' ? 'light' : 'dark');
    expect((await page.screenshot()).equals(before), 'the picture is another').toBe(false);
    const glyphs = await page.evaluate(() => {
      const colour = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.cssText = 'forced-color-adjust: none; color: Canvas';
      const canvas = colour(getComputedStyle(probe).color);
      probe.remove();
      const visible = [...document.querySelectorAll('svg')].filter((svg) => svg.checkVisibility() && !svg.matches('.sprite'));
      return { canvas, glyphs: visible.map((svg) => ({ is: svg.outerHTML.slice(0, 90), colour: colour(getComputedStyle(svg).color) })) };
    });
    expect(glyphs.glyphs.length).toBeGreaterThan(5);
    const pale = glyphs.glyphs.filter(({ colour }) => contrast(colour, glyphs.canvas) < 3);
    expect(pale, 'glyphs one does not see').toEqual([]);
    // The lane is drawn with what the system gives.
    const inks = () =>
      row(page)
        .locator('canvas')
        .evaluate((canvas) => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const inks = new Set();
          for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) inks.add(`${data.slice(at, at + 3)}`);
          return [...inks].map((ink) => ink.split(',').map(Number));
        });
    await expect.poll(async () => (await inks()).some((ink) => contrast(ink, glyphs.canvas) >= 3)).toBe(true);
  });
}

for (const [name, width, height] of [['zoomed to 200 %', 720, 450], ['320 pixels wide', 320, 640]]) {
  test.describe(name, () => {
    test.use({ viewport: { width, height }, deviceScaleFactor: 2 });

    test(`D39 ${name}: nothing but rain, matrix and graph goes sideways`, async ({ page, demoRelay }) => {
      const wide = [];
      const look = async (where) => {
        const boxes = (await sideways(page)).filter((box) => !/\.(rain|matrix|graph)\b/.test(box));
        wide.push(...boxes.map((box) => `${where}: ${box}`));
      };
      await page.goto(demoRelay.url);
      const row = remoteMachines(page, demoRelay).first();
      await expect(row).toBeVisible();
      await look('Overview');
      await row.click();
      await expect(stateInView(page).first()).toBeVisible();
      await look('Machine');
      for (const path of ['mesh', 'peers', 'compare', 'settings', 'join']) {
        await page.goto(`${demoRelay.url}${path}`);
        await expect(connection(page, 'live')).toBeVisible({ timeout: LOADED });
        await look(path);
      }
      expect(wide).toEqual([]);
    });
  });
}

test('D39 screen readers hear names, not figures, and unasked only the verdict', async ({ page, start }) => {
  const { relay, toggle, row } = await lamp(start);
  await page.goto(relay.url);
  await expect(row(page)).toBeVisible({ timeout: LOADED });
  await expect(row(page)).toHaveAttribute('aria-label', /^lamp on desk, OK, 0 states active, time 0$/);
  const said = page.locator('[aria-live]');
  await expect(said).toHaveCount(1);
  await expect(said).toHaveText('The only machine is fine');
  toggle('On');
  await expect(row(page)).toHaveAttribute('aria-label', /^lamp on desk, OK, 1 states? active, time 1$/, { timeout: FOLLOWED });
  await expect(said, 'a change is not announced').toHaveText('The only machine is fine');
  toggle('ErrBulb');
  await expect(said).toHaveText('1 machine needs attention', { timeout: FOLLOWED });
  await expect(row(page)).toHaveAttribute('aria-label', /^lamp on desk, Error, since \d+ seconds?, 2 states active, time 2$/);
  const fleet = page.getByRole('grid').filter({ has: row(page) });
  await expect(fleet).toHaveAttribute('aria-rowcount', /^\d+$/);
  await expect(row(page)).toHaveAttribute('aria-rowindex', /^\d+$/);

  await row(page).press('Enter');
  await expect(page.getByRole('tree')).toBeVisible();
  await expect(page.getByRole('treeitem', { name: /^On, active, tick 1/ })).toBeVisible();
  await expect(page.getByRole('treeitem', { name: /^ErrBulb, active, tick 1, error, changed by this transition$/ })).toBeVisible();
  await expect(page.getByRole('grid', { name: 'Transitions' })).toHaveAttribute('aria-rowcount', /^\d+$/);
  await expect(page.getByRole('row', { name: /on: ErrBulb/ })).toBeVisible();
  const slider = dock(page).getByRole('slider');
  await expect(slider).toHaveAttribute('aria-valuetext', /^\d\d:\d\d:\d\d\.\d{3}, live, lamp (record|transition) \d+ of \d+$/);
  await page.keyboard.press('Shift+ArrowLeft');
  await isPaused(page);
  await expect(slider).toHaveAttribute('aria-valuetext', /^\d\d:\d\d:\d\d\.\d{3}, paused, lamp (record|transition) \d+ of \d+$/);
});
