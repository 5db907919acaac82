import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { wrapMarkdown } from '../../scripts/wrap-markdown.mjs';
import { machineText, versionsText } from './machine.mjs';
import { tableOf } from './table.mjs';

const file = new URL('../RESULTS.md', import.meta.url);
const head = `# Results

Written by \`npm run bench\`; each section says where and when. Seconds hold for that machine and its load; what counts is the ratio to the peer that ran beside it in turn.
`;

/** What a terminal shows and RESULTS.md does not: columns by their names, rows by those of their cells. */
const printedOnly =
  /^(?:least–most|dropped|kept|of guests|lost|ms each|processor s|processor \/|captured|verdict|answers\/s|leaks$|heard|pairs|floor s|µs read|observers|all hosts s|frames\/s$|frames$|memory MB)/;
const isPartAlone = (row) => Object.values(row).some((cell) => String(cell).startsWith('codec'));

/** Rows as RESULTS.md has them; of those that a picture shows the last three. */
function briefOf(rows, hasPicture) {
  const brief = rows
    .filter((row) => !isPartAlone(row))
    .map((row) => Object.fromEntries(Object.entries(row).filter(([key], at) => at === 0 || !printedOnly.test(key))));
  return hasPicture ? brief.slice(-3) : brief;
}

/** Puts a measurement's section into RESULTS.md in place of its last one; the others stay. */
export function writeSection(name, title, about, rows, rounds) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : head;
  const [start, ...sections] = text.split(/^(?=<!-- .+ -->$)/m);
  const mark = `<!-- ${name} -->\n`;
  const picture = about.match(/^!\[.*$/m)?.[0];
  const table = tableOf(briefOf(rows, picture !== undefined));
  const measured = `${new Date().toISOString().slice(0, 16)}Z, ${rounds} rounds; ${machineText()}; ${versionsText(table)}.`;
  const own = `${[mark.trim(), `## ${title}`, picture, table, measured].filter((part) => part !== undefined).join('\n\n')}\n\n`;
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
