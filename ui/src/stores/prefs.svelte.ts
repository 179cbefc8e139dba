// What the user chose for this window: language, theme, which panels are open. Kept on this laptop.

export type Theme = 'light' | 'dark' | 'sunlight';
export type ThemeChoice = Theme | 'system';
export type Locale = 'en' | 'fr';

const KEY = 'bivouac.window';
const MOST_MAPS = 60;

interface Kept { theme: ThemeChoice; locale: Locale | null; layersOpen: boolean; marks: boolean; presence: boolean; layers: Record<string, string> }

function read(): Kept {
  const fallback: Kept = { theme: 'system', locale: null, layersOpen: true, marks: true, presence: true, layers: {} };
  try {
    return { ...fallback, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>) };
  } catch {
    return fallback;
  }
}

export class Prefs {
  private readonly start = read();
  private readonly darkSystem = window.matchMedia('(prefers-color-scheme: dark)');
  private systemDark = $state(this.darkSystem.matches);
  themeChoice = $state<ThemeChoice>(this.start.theme);
  localeChoice = $state<Locale | null>(this.start.locale);
  layersOpen = $state(this.start.layersOpen);
  /** Whether names are shown where others edit. */
  marks = $state(this.start.marks);
  /** Whether other Bivouacs see where this window looks, and it sees them. */
  presence = $state(this.start.presence);

  /** The layer that was worked in last, by map. */
  private layers: Record<string, string> = this.start.layers;

  constructor() {
    this.darkSystem.addEventListener('change', (event) => {
      this.systemDark = event.matches;
    });
  }

  get theme(): Theme {
    return this.themeChoice === 'system' ? (this.systemDark ? 'dark' : 'light') : this.themeChoice;
  }

  get locale(): Locale {
    return this.localeChoice ?? (navigator.language.toLowerCase().startsWith('fr') ? 'fr' : 'en');
  }

  lastLayer(map: string): string | null {
    return this.layers[map] ?? null;
  }

  setLastLayer(map: string, layer: string): void {
    if (this.layers[map] === layer) return;
    const others = Object.entries(this.layers).filter(([other]) => other !== map).slice(-MOST_MAPS);
    this.layers = Object.fromEntries([...others, [map, layer]]);
    this.keep();
  }

  keep(): void {
    const kept: Kept = { theme: this.themeChoice, locale: this.localeChoice, layersOpen: this.layersOpen, marks: this.marks, presence: this.presence, layers: this.layers };
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // Without a place to keep them the choices hold until the window closes.
    }
  }
}
