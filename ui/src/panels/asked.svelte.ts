// A list that is asked for again whenever the open map changed.

import type { Desk } from '../stores/desk.svelte';
import type { OpenMap } from '../stores/open-map.svelte';

export class Asked<T> {
  list = $state<T[] | null>(null);

  constructor(desk: Desk, map: OpenMap, ask: () => Promise<T[]>) {
    $effect(() => {
      void map.turn;
      void map.sync;
      let current = true;
      void desk.run(ask).then((found) => {
        if (current && found !== undefined) this.list = found;
      });
      return () => {
        current = false;
      };
    });
  }
}
