// uMap's icon classes, drawn on a canvas. Sizes and anchors are those of uMap's browser.

import type { Icon } from '../backend/types';

export interface Pin { canvas: HTMLCanvasElement; anchor: [number, number]; width: number; height: number }

/** Pins are drawn twice as large, so that they stay sharp on dense screens. */
export const PIN_SCALE = 2;
/** Room for shadows and edges around the pin. */
const ROOM = 12;

type Context = CanvasRenderingContext2D;

export function drawPin(icon: Icon, picture: HTMLImageElement | null = null): Pin {
  const size = Math.max(12, Math.min(64, icon.size));
  switch (icon.class) {
    case 'Default': return pin(32, 40, [16, 40], (context) => {
      shadow(context, 6, 7, 5);
      context.fillStyle = icon.color;
      context.beginPath();
      context.roundRect(0, 0, 32, 32, 4);
      context.fill();
      noShadow(context);
      tip(context, 8, 31.5, 16, 8.5);
      symbol(context, icon, picture, 16, 16);
    }, icon.opacity * 0.95);
    case 'Drop': return pin(32, 44, [16, 42], (context) => {
      shadow(context, 5, 8, 5);
      context.fillStyle = icon.color;
      context.beginPath();
      context.arc(16, 16, 16, 0, Math.PI * 2);
      context.fill();
      noShadow(context);
      tip(context, 6, 28, 20, 16);
      symbol(context, icon, picture, 16, 16);
    }, icon.opacity * 0.95);
    case 'Ball': return pin(16, 32, [8, 30], (context) => {
      context.fillStyle = '#111111';
      context.fillRect(7, 15, 2, 16);
      const shade = context.createRadialGradient(6, 6, 0.5, 6, 6, 10);
      shade.addColorStop(0, '#ffffff');
      shade.addColorStop(0.55, icon.color);
      shade.addColorStop(1, icon.color);
      context.fillStyle = shade;
      context.beginPath();
      context.arc(8, 8, 8, 0, Math.PI * 2);
      context.fill();
    }, icon.opacity);
    case 'Circle': return pin(12, 12, [6, 6], (context) => {
      disc(context, 6, 6, 6, '#ffffff');
      disc(context, 6, 6, 4.2, icon.color);
      context.strokeStyle = 'rgb(0 0 0 / 35%)';
      context.lineWidth = 0.6;
      context.beginPath();
      context.arc(6, 6, 6, 0, Math.PI * 2);
      context.stroke();
    }, icon.opacity);
    case 'LargeCircle': return pin(size + 4, size + 4, [size / 2 + 2, size / 2 + 2], (context) => {
      const middle = size / 2 + 2;
      shadow(context, 0, 0, 2);
      disc(context, middle, middle, middle, icon.color);
      noShadow(context);
      disc(context, middle, middle, middle - 2, '#ffffff');
      symbol(context, icon, picture, middle, middle, size * 0.62);
    }, icon.opacity);
    case 'Raw': return pin(size, size, [size / 2, size / 2], (context) => symbol(context, icon, picture, size / 2, size / 2, size), icon.opacity);
  }
}

/** uMap's disc with the number of features: 40 wide, 4 of them a white edge on each side. */
export function drawCluster(color: string, textColor: string, count: number): Pin {
  return pin(40, 40, [20, 20], (context) => {
    shadow(context, 0, 1, 3);
    disc(context, 20, 20, 20, '#ffffff');
    noShadow(context);
    disc(context, 20, 20, 16, color);
    letters(context, count > 9999 ? `${Math.round(count / 1000)}k` : String(count), 20, 20.5, count > 999 ? 11 : 13, textColor);
  }, 1);
}

function pin(width: number, height: number, anchor: [number, number], paint: (context: Context) => void, opacity: number): Pin {
  const canvas = document.createElement('canvas');
  canvas.width = (width + 2 * ROOM) * PIN_SCALE;
  canvas.height = (height + 2 * ROOM) * PIN_SCALE;
  const context = canvas.getContext('2d');
  if (context !== null) {
    context.scale(PIN_SCALE, PIN_SCALE);
    context.translate(ROOM, ROOM);
    context.globalAlpha = Math.max(0.05, Math.min(1, opacity));
    paint(context);
  }
  return { canvas, anchor: [(anchor[0] + ROOM) * PIN_SCALE, (anchor[1] + ROOM) * PIN_SCALE], width, height };
}

function shadow(context: Context, x: number, y: number, blur: number): void {
  context.shadowColor = 'rgb(0 0 0 / 45%)';
  context.shadowOffsetX = x * 0.5 * PIN_SCALE;
  context.shadowOffsetY = y * 0.5 * PIN_SCALE;
  context.shadowBlur = blur * PIN_SCALE;
}

function noShadow(context: Context): void {
  context.shadowColor = 'transparent';
}

function tip(context: Context, x: number, y: number, width: number, height: number): void {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + width, y);
  context.lineTo(x + width / 2, y + height);
  context.closePath();
  context.fill();
}

function disc(context: Context, x: number, y: number, radius: number, color: string): void {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, Math.max(0, radius), 0, Math.PI * 2);
  context.fill();
}

function letters(context: Context, text: string, x: number, y: number, size: number, color: string): void {
  context.fillStyle = color;
  context.font = `700 ${size}px "Atkinson Hyperlegible Next Variable", "DejaVu Sans", sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, x, y);
}

function symbol(context: Context, icon: Icon, picture: HTMLImageElement | null, x: number, y: number, room = 24): void {
  const { kind, value, light } = icon.symbol;
  if (kind === 'dot') {
    disc(context, x, y, 6.5, '#ffffff');
    context.strokeStyle = 'rgb(0 0 0 / 45%)';
    context.lineWidth = 0.7;
    context.stroke();
  } else if (kind === 'text') {
    const shown = [...value].slice(0, 3).join('');
    letters(context, shown, x, y + 1, Math.min(room * 0.75, (room * 1.15) / Math.max(1, shown.length)), light ? '#ffffff' : '#111111');
  } else if (kind === 'url' && picture !== null) {
    context.drawImage(light ? lightened(picture) : picture, x - room / 2, y - room / 2, room, room);
  } else if (kind === 'url') {
    // The picture itself is not on this laptop: a plain frame says that there is one.
    context.strokeStyle = light && icon.class !== 'LargeCircle' && icon.class !== 'Raw' ? '#ffffff' : '#333333';
    context.lineWidth = 1.8;
    context.beginPath();
    context.roundRect(x - 7, y - 6, 14, 12, 2);
    context.moveTo(x - 6, y + 5);
    context.lineTo(x - 2, y);
    context.lineTo(x + 1, y + 3);
    context.lineTo(x + 3.5, y + 0.5);
    context.lineTo(x + 6, y + 4);
    context.stroke();
  }
}

/** A dark pictogram as its negative, as uMap shows it on dark icons. */
function lightened(picture: HTMLImageElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64 * PIN_SCALE;
  const context = canvas.getContext('2d');
  if (context !== null) {
    const draw = (): void => context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    draw();
    context.globalCompositeOperation = 'difference';
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    // What was clear stays clear.
    context.globalCompositeOperation = 'destination-in';
    draw();
  }
  return canvas;
}
