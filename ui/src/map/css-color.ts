// CSS colours as uMap keeps them (names, hex) with an opacity of their own.

const known = new Map<string, [number, number, number]>();
let context: CanvasRenderingContext2D | null = null;

/** Red, green, blue; the browser itself reads the colour, so every name that CSS knows is known. */
export function rgbOf(color: string): [number, number, number] {
  const cached = known.get(color);
  if (cached !== undefined) return cached;
  context ??= document.createElement('canvas').getContext('2d');
  let parsed: [number, number, number] = [0, 0, 139];
  if (context !== null) {
    context.fillStyle = '#00008b';
    context.fillStyle = color;
    const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(context.fillStyle);
    if (hex !== null) parsed = [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16), Number.parseInt(hex[3] ?? '0', 16)];
  }
  known.set(color, parsed);
  return parsed;
}

export function asRgba(color: string, opacity: number): string {
  const [red, green, blue] = rgbOf(color);
  return `rgba(${red},${green},${blue},${Math.max(0, Math.min(1, opacity))})`;
}

export function asHex(color: string): string {
  return `#${rgbOf(color).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

export function isColor(text: string): boolean {
  return CSS.supports('color', text);
}
