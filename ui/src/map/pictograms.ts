// Pictograms that are images: asked of the core once each, drawn when they are there. An image element runs nothing of what it shows.

export type AskPicture = (said: string) => Promise<Blob>;

/** As many pixels as a pictogram of a dense screen needs. */
const SIDE = 128;

export class Pictograms {
  private readonly known = new Map<string, HTMLImageElement | 'loading' | 'missing'>();
  private told = 0;

  constructor(private readonly ask: AskPicture, private readonly changed: () => void, private readonly missing: (error: unknown) => void) {}

  /** The image, when it is there; otherwise it is on its way. */
  of(said: string): HTMLImageElement | null {
    const known = this.known.get(said);
    if (known === undefined) {
      this.known.set(said, 'loading');
      void this.load(said);
      return null;
    }
    return typeof known === 'string' ? null : known;
  }

  /** Asks again for what was missing: somebody said yes, or there is a network. */
  again(): void {
    for (const [said, known] of this.known) if (known === 'missing') this.known.delete(said);
    this.changed();
  }

  private async load(said: string): Promise<void> {
    let address = said;
    try {
      if (!said.startsWith('data:image/')) address = URL.createObjectURL(await this.ask(said));
      const image = new Image(SIDE, SIDE);
      image.src = address;
      await image.decode();
      if (!isReadable(image)) throw new Error('a picture that cannot be read back');
      this.known.set(said, image);
      this.soon();
    } catch (error) {
      this.known.set(said, 'missing');
      this.missing(error);
    } finally {
      if (address !== said) URL.revokeObjectURL(address);
    }
  }

  /** Several that come together are one change. */
  private soon(): void {
    cancelAnimationFrame(this.told);
    this.told = requestAnimationFrame(() => this.changed());
  }
}

/** What lies under the pointer is found by reading pixels, which one tainted picture would forbid for all. */
function isReadable(image: HTMLImageElement): boolean {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  if (context === null) return false;
  try {
    context.drawImage(image, 0, 0, 1, 1);
    context.getImageData(0, 0, 1, 1);
    return true;
  } catch {
    return false;
  }
}
