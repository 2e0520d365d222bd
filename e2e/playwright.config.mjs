// No retries, three workers: every test starts the programs it needs on free ports and stops them. Deadlines are ten times
// the promised limits, so a slow machine does not fail a test; `cargo xtask bench page` prints the figures.
import { defineConfig } from '@playwright/test';

/** Tests that mostly wait: they begin first and run beside each other and beside the rest. */
const LONG = /(hidden|visits|endurance)\.spec\.mjs/;

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  projects: [
    { name: 'long', testMatch: LONG, fullyParallel: true },
    { name: 'short', testIgnore: LONG },
  ],
  workers: 3,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  timeout: 180_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: 'chromium',
    actionTimeout: 60_000,
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.STATEMESH_BROWSER ?? '/usr/bin/chromium',
      // The sandbox needs privileges that containers lack, and refuses root.
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    },
  },
});
