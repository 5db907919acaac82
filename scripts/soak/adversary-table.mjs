// `node scripts/soak/adversary-table.mjs TABLE NAME`: puts a table that `npm run soak adversary` left into
// bench/ADVERSARY.md, between the comments with that name: `here`, `vm` or `uml`; what it says of sound hosts by `sound`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [table, name = ''] = process.argv.slice(2);
const page = fileURLToPath(new URL('../../bench/ADVERSARY.md', import.meta.url));
const text = readFileSync(page, 'utf8');
const [begin, end] = [`<!-- adversary ${name} -->\n`, `<!-- end of adversary ${name} -->\n`];
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (table === undefined || from < 0 || to < from) {
  console.error('adversary-table.mjs TABLE here|vm|uml|sound');
  process.exit(64);
}
writeFileSync(
  page,
  `${text.slice(0, from + begin.length)}\n${readFileSync(table, 'utf8').trim()}\n\n${text.slice(to)}`,
);
