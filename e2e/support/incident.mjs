// The demo's incident as the page tells it: live, in a recording, and in the one that comes with the page.
import { expect } from '@playwright/test';

/** All of it happened. */
export const HEADLINE = '3 machines need attention, 1 host is silent';

/** The rows of attention, in order of onset: what is marked how, and words in it. */
const ROWS = [
  [/^error$/, 'route-17', 'ErrNetwork'],
  [/^notready$/, 'courier-17', 'Ready'],
  [/^notready$/, 'orders', 'Ready'],
  [/^(stale|gone)$/, 'kiosk-03', '5 machines'],
];

/** route-17 failed first, courier-17 and orders followed, and kiosk-03 fell silent. */
export async function tellsIncident(page, timeout) {
  const rows = page.locator('[data-attention]');
  await expect(page.locator('.verdict')).toContainText('route-17 failed first', { timeout });
  await expect(rows).toHaveCount(ROWS.length);
  for (const [at, [mark, ...words]] of ROWS.entries()) {
    await expect(rows.nth(at)).toHaveAttribute('data-attention', mark);
    for (const word of words) await expect(rows.nth(at)).toContainText(word);
  }
}

/** The same, of the recording that is shown. */
export async function tellsRecordedIncident(page, timeout) {
  await expect(page.getByText('This is the recording incident.smesh')).toBeVisible({ timeout });
  await expect(page.locator('.verdict h1')).toHaveText(/^At \d\d:\d\d:\d\d\.\d{3}: 3 machines needed attention, 1 host was silent$/);
  await tellsIncident(page, timeout);
  await expect(page.locator('[data-attention]').nth(1).locator('.led'), 'what led courier-17 there').toContainText('route-17');
}
