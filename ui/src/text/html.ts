// HTML inside a description: read in an inert document, cleaned to a short list, copied into the same tree.

import DOMPurify from 'dompurify';

import { inline, parse, safeUrl } from './parse';
import type { Block, Inline } from './parse';

const TAGS = ['a', 'b', 'strong', 'i', 'em', 'br', 'p', 'div', 'span', 'ul', 'ol', 'li', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'img', 'u', 'small', 'table', 'tbody', 'thead', 'tr', 'td', 'th', 'blockquote', 'pre', 'code'];
const BLOCKS = new Set(['P', 'DIV', 'TABLE', 'TR', 'BLOCKQUOTE', 'PRE', 'TBODY', 'THEAD']);
const LOOKS_LIKE_HTML = /<\/?[a-z][^>]*>/i;
const MAX_NODES = 5000;

/** A description as a tree, whether it is plain, in uMap's syntax, in HTML or in all of them. */
export function parseDescription(text: string): Block[] {
  if (!LOOKS_LIKE_HTML.test(text)) return parse(text);
  const inert = new DOMParser().parseFromString(text, 'text/html');
  for (const frame of inert.querySelectorAll('iframe')) {
    const link = inert.createElement('a');
    link.setAttribute('href', frame.getAttribute('src') ?? '');
    link.textContent = frame.getAttribute('src') ?? '';
    frame.replaceWith(link);
  }
  const clean = DOMPurify.sanitize(inert.body.innerHTML, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ['href', 'src', 'width'], ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true });
  const blocks: Block[] = [];
  const budget = { left: MAX_NODES };
  let open: Inline[] = [];
  const flush = (): void => {
    if (open.some((node) => node.kind !== 'break' && (node.kind !== 'text' || node.text.trim() !== ''))) blocks.push({ kind: 'paragraph', children: open });
    open = [];
  };
  const visit = (node: Node): void => {
    if (budget.left-- <= 0) return;
    if (node.nodeType === Node.TEXT_NODE) {
      open.push(...textNodes(node.textContent ?? ''));
      return;
    }
    if (!(node.nodeType === Node.ELEMENT_NODE)) return;
    const element = node as Element;
    const name = element.tagName;
    if (/^H[1-6]$/.test(name)) {
      flush();
      blocks.push({ kind: 'heading', level: Math.min(3, Number(name[1])) as 1 | 2 | 3, children: inlineNodes(element, budget) });
    } else if (name === 'UL' || name === 'OL') {
      flush();
      const items = [...element.querySelectorAll('li')].slice(0, 500).map((item) => ({ depth: (item.parentElement?.parentElement?.closest('li') == null ? 1 : 2) as 1 | 2, children: inlineNodes(item, budget) }));
      blocks.push({ kind: 'list', items });
    } else if (name === 'HR') {
      flush();
      blocks.push({ kind: 'rule' });
    } else if (BLOCKS.has(name)) {
      flush();
      element.childNodes.forEach(visit);
      flush();
    } else {
      open.push(...inlineOf(element, budget));
    }
  };
  clean.childNodes.forEach(visit);
  flush();
  return blocks;
}

function textNodes(text: string): Inline[] {
  return text.split(/\r\n|\r|\n/).flatMap((line, at): Inline[] => [...(at > 0 ? [{ kind: 'break' } as const] : []), ...inline(line)]);
}

function inlineNodes(element: Element, budget: { left: number }): Inline[] {
  const result: Inline[] = [];
  for (const node of element.childNodes) {
    if (budget.left-- <= 0) break;
    if (node.nodeType === Node.TEXT_NODE) result.push(...textNodes(node.textContent ?? ''));
    else if (node.nodeType === Node.ELEMENT_NODE) result.push(...inlineOf(node as Element, budget));
  }
  return result;
}

function inlineOf(element: Element, budget: { left: number }): Inline[] {
  switch (element.tagName) {
    case 'BR': return [{ kind: 'break' }];
    case 'B': case 'STRONG': case 'TH': return [{ kind: 'bold', children: inlineNodes(element, budget) }];
    case 'I': case 'EM': return [{ kind: 'italic', children: inlineNodes(element, budget) }];
    case 'A': {
      const url = safeUrl(element.getAttribute('href') ?? '');
      const children: Inline[] = element.textContent === null || element.textContent === '' ? [{ kind: 'text', text: url ?? '' }] : [{ kind: 'text', text: element.textContent }];
      return url === null ? children : [{ kind: 'link', url, children }];
    }
    case 'IMG': {
      const url = safeUrl(element.getAttribute('src') ?? '');
      return url === null || !url.startsWith('http') ? [] : [{ kind: 'image', url, width: null }];
    }
    case 'TD': return [...inlineNodes(element, budget), { kind: 'text', text: ' ' }];
    default: return inlineNodes(element, budget);
  }
}
