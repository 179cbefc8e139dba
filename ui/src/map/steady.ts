// Keeps the map still while the room for it changes: a panel that opens narrows the map, and what was under the hand
// stays there. A map that shows everything goes on showing everything until somebody moves it.

import { containsExtent } from 'ol/extent';
import type OlMap from 'ol/Map';

const PAD = 70;
/** How near to the edge a selected feature may come. */
const NEAR = 40;

export class Steady {
  /** Hold the middle instead of what lies under the pointer. */
  middle = false;
  private readonly observer: ResizeObserver;
  private box: DOMRect;
  private screen = [window.innerWidth, window.innerHeight];
  /** Whether what is selected was not drawn yet when the room for the map changed. */
  private owed = false;
  /** What was fitted last, until the view is moved otherwise. */
  private fitted: number[] | null = null;

  constructor(private readonly map: OlMap, private readonly target: HTMLElement, private readonly selected: () => number[] | null) {
    this.box = target.getBoundingClientRect();
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(target);
    for (const event of ['pointerdown', 'wheel', 'keydown'] as const) target.addEventListener(event, this.taken, { capture: true, passive: true });
  }

  fit(extent: number[], animate: boolean): void {
    this.fitted = extent;
    const size = this.map.getSize() ?? [800, 600];
    const pad = Math.min(PAD, (size[0] ?? 800) / 8, (size[1] ?? 600) / 8);
    this.map.getView().fit(extent, { padding: [pad, pad, pad, pad], maxZoom: 17, duration: animate ? 220 : 0 });
  }

  /** The view is moved on purpose; nothing is fitted any more. */
  release(): void {
    this.fitted = null;
  }

  stop(): void {
    this.observer.disconnect();
    for (const event of ['pointerdown', 'wheel', 'keydown'] as const) this.target.removeEventListener(event, this.taken, { capture: true });
  }

  /** The picture is new: what was owed since the room changed can be kept in sight now. */
  painted(): void {
    if (this.owed) this.keepSelected();
  }

  private readonly taken = (): void => {
    this.owed = false;
    this.release();
  };

  private resized(): void {
    const before = this.box;
    const after = this.target.getBoundingClientRect();
    if (after.width < 2 || after.height < 2) return;
    const sameScreen = this.screen[0] === window.innerWidth && this.screen[1] === window.innerHeight;
    this.box = after;
    this.screen = [window.innerWidth, window.innerHeight];
    const view = this.map.getView();
    if (view.getAnimating()) view.cancelAnimations();
    const resolution = view.getResolution() ?? 1;
    const [x = 0, y = 0] = view.getCenter() ?? [0, 0];
    this.map.updateSize();
    if (this.fitted !== null) this.fit(this.fitted, false);
    else if (sameScreen && !this.middle && before.width > 2) {
      const right = after.left + after.width / 2 - (before.left + before.width / 2);
      const down = after.top + after.height / 2 - (before.top + before.height / 2);
      view.setCenter([x + right * resolution, y - down * resolution]);
      this.keepSelected();
    }
    // Drawn before the next picture of the window, so that no frame shows an empty map.
    this.map.renderSync();
  }

  /** Moves the map no further than it takes to see the whole of what is selected, if it was not too large before. */
  private keepSelected(): void {
    const extent = this.selected();
    this.owed = extent === null;
    if (extent === null) return;
    const view = this.map.getView();
    const near = NEAR * (view.getResolution() ?? 1);
    const [west = 0, south = 0, east = 0, north = 0] = view.calculateExtent();
    const room = [west + near, south + near, east - near, north - near] as const;
    if (containsExtent([...room], extent)) return;
    const [left = 0, low = 0, right = 0, high = 0] = extent;
    const [x = 0, y = 0] = view.getCenter() ?? [0, 0];
    view.setCenter([x + nudge(left, right, room[0], room[2]), y + nudge(low, high, room[1], room[3])]);
  }
}

/** By how much to move a room along one axis so that it holds an interval; not at all for one that is too long. */
export function nudge(from: number, to: number, roomFrom: number, roomTo: number): number {
  if (to - from > roomTo - roomFrom) return 0;
  if (from < roomFrom) return from - roomFrom;
  return to > roomTo ? to - roomTo : 0;
}
