import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { wrapMarkdown } from '../../scripts/wrap-markdown.mjs';
import { machineText, versionsText } from './machine.mjs';
import { tableOf } from './table.mjs';

const file = new URL('../RESULTS.md', import.meta.url);
const head = `# Results

Written by \`npm run bench\`; each section says where and when. Seconds hold for that machine and its load; what counts is the ratio to the peer that ran beside it in turn.
`;

/** Puts a measurement's section into RESULTS.md in place of its last one; the others stay. */
export function writeSection(name, title, about, rows, rounds) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : head;
  const [start, ...sections] = text.split(/^(?=<!-- .+ -->$)/m);
  const mark = `<!-- ${name} -->\n`;
  const own = `${mark}\n## ${title}\n\n${about}\n\n${tableOf(rows)}\n\n${new Date().toISOString().slice(0, 16)}Z, ${rounds} rounds; ${machineText()}; ${versionsText()}.\n\n`;
  const at = sections.findIndex((section) => section.startsWith(mark));
  if (at < 0) sections.push(own);
  else sections[at] = own;
  writeFileSync(file, wrapMarkdown(`${start.trimEnd()}\n\n${sections.join('')}`.trimEnd() + '\n'));
}

/** Rows that RESULTS.md has of a measurement, each its cells; none where it was never measured. */
export function recordedRows(name) {
  const section = readFileSync(file, 'utf8').split(`<!-- ${name} -->`)[1]?.split('<!--')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
