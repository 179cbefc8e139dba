// How components reach the desk.

import { getContext, setContext } from 'svelte';

import type { Desk } from './desk.svelte';
import type { OpenMap } from './open-map.svelte';

const DESK = Symbol('desk');
const OPEN = Symbol('open map');

export const provideDesk = (desk: Desk): void => void setContext(DESK, desk);
export const useDesk = (): Desk => getContext(DESK);
export const provideMap = (map: OpenMap): void => void setContext(OPEN, map);
export const useMap = (): OpenMap => getContext(OPEN);
