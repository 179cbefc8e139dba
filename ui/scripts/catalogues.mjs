// The build stops when the catalogues of the two languages differ in keys or in placeholders.
import { readFileSync } from 'node:fs';

const read = (locale) => JSON.parse(readFileSync(new URL(`../messages/${locale}.json`, import.meta.url), 'utf8'));
const holes = (message) => [...new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? [])].sort().join(' ');

const [en, fr] = [read('en'), read('fr')];
const wrong = [];
for (const key of new Set([...Object.keys(en), ...Object.keys(fr)])) {
  if (!(key in en)) wrong.push(`${key}: missing in en`);
  else if (!(key in fr)) wrong.push(`${key}: missing in fr`);
  else if (holes(en[key]) !== holes(fr[key])) wrong.push(`${key}: placeholders differ`);
}
if (wrong.length > 0) {
  console.error(`The catalogues differ:\n  ${wrong.join('\n  ')}`);
  process.exit(1);
}
