import { defineConfig } from '@playwright/test';

const port = 5198;

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/results',
  workers: 1,
  retries: 0,
  timeout: 40_000,
  reporter: [['list']],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    locale: 'en-GB',
    timezoneId: 'Europe/Paris',
    colorScheme: 'light',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run', '--force-color-profile=srgb'],
    },
  },
  webServer: { command: `npx vite preview --outDir dist-memory --host 127.0.0.1 --port ${port} --strictPort`, port, reuseExistingServer: true },
});
