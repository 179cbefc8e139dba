// Moments that whoever measures or automates the window can read with `performance.getEntriesByName`.

/** `answer`: a picture's content came. `drawn`: the newest one is whole on the screen. */
export type Moment = 'answer' | 'drawn';

/** Keeps the newest of each: a list would grow for as long as the window is open. */
export function mark(moment: Moment): void {
  const name = `bivouac:${moment}`;
  performance.clearMarks(name);
  performance.mark(name);
}
