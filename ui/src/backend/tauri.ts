// The backend inside the desktop shell: one command per method, one event stream.

import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type { Backend } from './backend';
import type { DeskEvent } from './types';

const decoder = new TextDecoder();

/** Bulk answers come as raw bytes of UTF-8 JSON. */
async function bulk<T>(command: string, args: Record<string, unknown>): Promise<T> {
  const bytes = await invoke<ArrayBuffer | Uint8Array | number[]>(command, args);
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : Uint8Array.from(bytes);
  return JSON.parse(decoder.decode(view)) as T;
}

/** A picture; the core lets only images through, and an SVG begins with `<`. */
async function image(command: string, args: Record<string, unknown>): Promise<Blob> {
  const bytes = new Uint8Array(await invoke<ArrayBuffer | number[]>(command, args));
  return new Blob([bytes], bytes[0] === 0x3c ? { type: 'image/svg+xml' } : {});
}

export function tauriBackend(): Backend {
  return {
    pictures: {
      background: () => invoke('background'),
      tile: (zoom, column, row) => image('tile', { zoom, column, row }),
      picture: (said) => image('picture', { said }),
      keep: () => invoke('keep_pictograms'),
      hosts: () => invoke('picture_hosts'),
      allow: (host, allowed) => invoke('allow_host', { host, allowed }),
      clear: () => invoke('clear_pictures'),
    },

    library: () => invoke('library'),
    createMap: (name, layer, server) => invoke('create_map', { name, layer, server }),
    addSample: () => invoke('add_sample'),
    takeOffline: (request) => invoke('take_offline', { request }),
    cancel: () => invoke('cancel'),
    removeMap: (id, discard) => invoke('remove_map', { id, discard }),
    openMap: (id) => invoke('open_map', { id }),
    openReadOnly: (id) => invoke('open_read_only', { id }),
    backUp: (id) => invoke('back_up', { id }),
    rescue: (id) => invoke('rescue', { id }),
    closeMap: () => invoke('close_map'),

    mapView: () => invoke('map_view'),
    viewport: (query) => bulk('viewport', { query }),
    legend: () => invoke('legend'),
    feature: (object) => invoke('feature', { object }),
    featuresIn: (bounds, limit) => bulk('features_in', { bounds, limit }),
    history: (object) => invoke('history', { object }),
    takeBack: (row) => invoke('take_back', { row }),

    edit: (label, edits) => invoke('edit', { label, edits }),
    undo: () => invoke('undo'),
    redo: () => invoke('redo'),

    syncView: () => invoke('sync_view'),
    goOnline: () => invoke('go_online'),
    goOffline: () => invoke('go_offline'),
    saveNow: () => invoke('save_now'),
    signIn: (how) => invoke('sign_in', { how }),
    signInPage: (server, allowHttp) => invoke('sign_in_page', { server, allowHttp }),
    signInClose: () => invoke('sign_in_close'),
    here: (at, selected) => invoke('here', { at, selected }),
    pending: () => invoke('pending'),
    discard: (rows) => invoke('discard', { rows }),
    conflicts: () => invoke('conflicts'),
    resolve: (id, choice) => invoke('resolve', { id, choice }),
    proposals: () => invoke('proposals'),
    approve: (row) => invoke('approve', { row }),
    reject: (row) => invoke('reject', { row }),
    syncLog: (before) => invoke('sync_log', { before }),

    about: () => invoke('about'),
    openExternal: (url) => invoke('open_external', { url }),
    exportMap: (kind, layer) => invoke('export_map', { kind, layer }),
    importFile: (layer) => invoke('import_file', { layer }),
    importOffered: (id, layer) => invoke('import_offered', { id, layer }),
    createFrom: (id) => invoke('create_from', { id }),
    showLogs: () => invoke('show_logs'),
    setLocale: (locale) => invoke('set_locale', { locale }),
    quit: (stay) => invoke('quit', { stay }),
    answer: (id, text) => invoke('answer', { id, text }),

    listen(handler) {
      let stop: (() => void) | null = null;
      let stopped = false;
      void listen<DeskEvent>('bivouac', (message) => handler(message.payload)).then((unlisten) => {
        if (stopped) {
          unlisten();
          return;
        }
        stop = unlisten;
        // What came from outside before anybody listened is told now.
        void invoke('ready');
      });
      return () => {
        stopped = true;
        stop?.();
      };
    },
  };
}
