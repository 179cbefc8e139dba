import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The tests are of modules without components; the compilers would only keep watching.
  plugins: process.env['VITEST'] !== undefined ? [] : [
    paraglideVitePlugin({ project: './project.inlang', outdir: './src/paraglide', strategy: ['globalVariable', 'baseLocale'], emitTsDeclarations: true }),
    svelte(),
  ],
  // Relative addresses work under tauri://localhost and under any static server.
  base: './',
  clearScreen: false,
  server: { port: 5199, strictPort: true, host: '127.0.0.1' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
