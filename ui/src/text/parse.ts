// uMap's own text syntax as a typed tree. Nothing here makes HTML; the tree is drawn as nodes.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'bold'; children: Inline[] }
  | { kind: 'italic'; children: Inline[] }
  | { kind: 'link'; url: string; children: Inline[] }
  | { kind: 'image'; url: string; width: number | null }
  | { kind: 'frame'; url: string };

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: 1 | 2 | 3; children: Inline[] }
  | { kind: 'list'; items: { depth: 1 | 2; children: Inline[] }[] }
  | { kind: 'rule' };

const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:', 'geo:']);
const MAX_DEPTH = 12;

/** A link that may be opened, or null. Without a scheme there is nothing that it could be relative to. */
export function safeUrl(text: string): string | null {
  const trimmed = text.trim();
  try {
    const url = new URL(trimmed);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

interface Rule { pattern: RegExp; make: (found: RegExpExecArray, depth: number) => Inline[] }

const plain = (text: string): Inline[] => (text === '' ? [] : [{ kind: 'text', text }]);

function link(url: string, children: Inline[]): Inline[] {
  const safe = safeUrl(url);
  return safe === null ? children : [{ kind: 'link', url: safe, children }];
}

const RULES: Rule[] = [
  { pattern: /\{\{\{(https?[^|{}]*)(?:\|[^{}]*)?\}\}\}/, make: (found) => frame(found[1] ?? '') },
  { pattern: /\{\{([^|{}]*?)(?:\|(\d*)(?:px)?)?\}\}/, make: (found) => image(found[1] ?? '', found[2]) },
  { pattern: /\[\[([^\]|]*?)\|([^\]]*?)\]\]/, make: (found, depth) => link(found[1] ?? '', inline(found[2] ?? '', depth + 1)) },
  { pattern: /\[\[([^\]|]*?)\]\]/, make: (found) => link(found[1] ?? '', plain(found[1] ?? '')) },
  { pattern: /\*\*(.+?)\*\*/, make: (found, depth) => [{ kind: 'bold', children: inline(found[1] ?? '', depth + 1) }] },
  { pattern: /\*(.+?)\*/, make: (found, depth) => [{ kind: 'italic', children: inline(found[1] ?? '', depth + 1) }] },
  { pattern: /https?:\/\/[^\s<)\]]+/, make: (found) => link(found[0], plain(found[0])) },
];

function frame(url: string): Inline[] {
  const safe = safeUrl(url);
  return safe === null ? plain(url) : [{ kind: 'frame', url: safe }];
}

function image(url: string, width: string | undefined): Inline[] {
  const safe = safeUrl(url);
  if (safe === null || !safe.startsWith('http')) return plain(url);
  return [{ kind: 'image', url: safe, width: width === undefined || width === '' ? null : Math.min(2000, Number(width)) }];
}

/** Text within a line. */
export function inline(text: string, depth = 0): Inline[] {
  if (depth > MAX_DEPTH) return plain(text);
  const result: Inline[] = [];
  let rest = text;
  while (rest !== '') {
    let first: { rule: Rule; found: RegExpExecArray } | null = null;
    for (const rule of RULES) {
      const found = rule.pattern.exec(rest);
      if (found !== null && (first === null || found.index < first.found.index)) first = { rule, found };
    }
    if (first === null) break;
    result.push(...plain(rest.slice(0, first.found.index)), ...first.rule.make(first.found, depth));
    rest = rest.slice(first.found.index + first.found[0].length);
  }
  return [...result, ...plain(rest)];
}

/** A whole text. */
export function parse(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Extract<Block, { kind: 'paragraph' }> | null = null;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const heading = /^(#{1,3}) (.*)$/.exec(line);
    const item = /^(\*{1,2}) (.*)$/.exec(line);
    if (heading !== null) {
      const level = (heading[1]?.length ?? 1) as 1 | 2 | 3;
      blocks.push({ kind: 'heading', level, children: inline(heading[2] ?? '') });
      open = null;
    } else if (item !== null) {
      const entry = { depth: (item[1] === '**' ? 2 : 1) as 1 | 2, children: inline(item[2] ?? '') };
      const last = blocks.at(-1);
      if (open === null && last?.kind === 'list') last.items.push(entry);
      else blocks.push({ kind: 'list', items: [entry] });
      open = null;
    } else if (/^---/.test(line)) {
      blocks.push({ kind: 'rule' });
      open = null;
    } else if (line.trim() === '') {
      open = null;
    } else if (open !== null) {
      open.children.push({ kind: 'break' }, ...inline(line));
    } else {
      open = { kind: 'paragraph', children: inline(line) };
      blocks.push(open);
    }
  }
  return blocks;
}
