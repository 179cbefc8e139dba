// The label of what lies under the pointer, for features whose label shows on hovering only.

import type OlMap from 'ol/Map';
import Overlay from 'ol/Overlay';

export class HoverLabel {
  private readonly element = document.createElement('div');
  private readonly overlay: Overlay;

  constructor(map: OlMap) {
    this.element.className = 'hover-label';
    this.overlay = new Overlay({ element: this.element, positioning: 'bottom-center', offset: [0, -16], stopEvent: false });
    map.addOverlay(this.overlay);
  }

  show(text: string, at: number[]): void {
    this.element.textContent = text;
    this.overlay.setPosition(at);
  }

  hide(): void {
    this.overlay.setPosition(undefined);
  }
}
