// What the user chose for this window: language, theme, which panels are open. Kept on this laptop.

export type Theme = 'light' | 'dark' | 'sunlight';
export type ThemeChoice = Theme | 'system';
export type Locale = 'en' | 'fr';

const KEY = 'bivouac.window';

interface Kept { theme: ThemeChoice; locale: Locale | null; layersOpen: boolean; marks: boolean; presence: boolean }

function read(): Kept {
  const fallback: Kept = { theme: 'system', locale: null, layersOpen: true, marks: true, presence: true };
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

  keep(): void {
    const kept: Kept = { theme: this.themeChoice, locale: this.localeChoice, layersOpen: this.layersOpen, marks: this.marks, presence: this.presence };
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // Without a place to keep them the choices hold until the window closes.
    }
  }
}
