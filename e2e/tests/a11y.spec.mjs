// For everybody: the contrast of the design in both themes (D18).
import { test, expect } from '../support/fixtures.mjs';

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
  });
}
