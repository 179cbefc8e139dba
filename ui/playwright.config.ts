import { defineConfig } from '@playwright/test';

// Chosen once; the workers inherit it. Two runs on one computer do not meet.
process.env['BIVOUAC_E2E_PORT'] ??= String(15_000 + Math.floor(Math.random() * 16_000));
const port = Number(process.env['BIVOUAC_E2E_PORT']);

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/results',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: 'e2e/results/report.json' }]],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    locale: 'en-GB',
    timezoneId: 'Europe/Paris',
    colorScheme: 'light',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: process.env['BIVOUAC_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run', '--force-color-profile=srgb'],
    },
  },
  webServer: { command: `npx vite preview --outDir dist-memory --host 127.0.0.1 --port ${port} --strictPort`, port, reuseExistingServer: false, timeout: 120_000 },
});
