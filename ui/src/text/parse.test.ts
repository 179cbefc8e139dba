import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parse, safeUrl } from './parse';

describe('uMap text', () => {
  it('knows links, bold, italics, headings, lists and rules', () => {
    expect(parse('# Top\n**a** and *b*\n* one\n** two\n---\n[[https://x.org|here]]')).toEqual([
      { kind: 'heading', level: 1, children: [{ kind: 'text', text: 'Top' }] },
      { kind: 'paragraph', children: [{ kind: 'bold', children: [{ kind: 'text', text: 'a' }] }, { kind: 'text', text: ' and ' }, { kind: 'italic', children: [{ kind: 'text', text: 'b' }] }] },
      { kind: 'list', items: [{ depth: 1, children: [{ kind: 'text', text: 'one' }] }, { depth: 2, children: [{ kind: 'text', text: 'two' }] }] },
      { kind: 'rule' },
      { kind: 'paragraph', children: [{ kind: 'link', url: 'https://x.org/', children: [{ kind: 'text', text: 'here' }] }] },
    ]);
  });

  it('makes a link of a frame and keeps the width of an image', () => {
    expect(parse('{{{https://x.org/f|300*400}}}')).toEqual([{ kind: 'paragraph', children: [{ kind: 'frame', url: 'https://x.org/f' }] }]);
    expect(parse('{{https://x.org/i.png|240}}')).toEqual([{ kind: 'paragraph', children: [{ kind: 'image', url: 'https://x.org/i.png', width: 240 }] }]);
  });

  it.each(['javascript:alert(1)', ' java\nscript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'vbscript:x', '/en/map/1', ''])('opens no %j', (url) => {
    expect(safeUrl(url)).toBeNull();
    expect(JSON.stringify(parse(`[[${url}|click]] {{${url}}} {{{${url}}}}`))).not.toMatch(/"kind":"(link|image|frame)"/);
  });

  it('ends for any text and loses no word of a plain one', () => {
    fc.assert(fc.property(fc.string({ maxLength: 400 }), (text) => { parse(text); }), { numRuns: 2000 });
    expect(JSON.stringify(parse('*'.repeat(5000))).length).toBeGreaterThan(0);
  });
});
