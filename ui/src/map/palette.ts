// The colours that the map itself is drawn in, read from the theme.

export interface MapColors { sea: string; land: string; coast: string; grid: string; ink: string; panel: string; focus: string; mine: string; theirs: string }

const NAMES = ['sea', 'land', 'coast', 'grid', 'ink', 'panel', 'focus', 'mine', 'theirs'] as const;

export function readColors(element: Element): MapColors {
  const computed = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, computed.getPropertyValue(`--${name}`).trim() || '#888888'])) as unknown as MapColors;
}
