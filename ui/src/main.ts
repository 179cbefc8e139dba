import { mount } from 'svelte';

import 'ol/ol.css';
import './styles/base.css';
import App from './App.svelte';
import type { Backend } from './backend/backend';

/** Inside the shell its commands; in a plain browser the backend in memory. */
async function chooseBackend(): Promise<Backend> {
  if ('__TAURI_INTERNALS__' in window) return (await import('./backend/tauri')).tauriBackend();
  if (import.meta.env.DEV || import.meta.env.MODE === 'memory') return (await import('./backend/memory/start')).startMemory();
  throw new Error('this page runs inside Bivouac only');
}

const target = document.getElementById('app');
if (target !== null) void chooseBackend().then((backend) => mount(App, { target, props: { backend } }));
