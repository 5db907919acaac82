import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../../..');
const lines = readFileSync(join(top, 'docs/faults.md'), 'utf8').split('\n');

/** The files that a mention such as `test/unit/core/judge` or `test/lab/host/host` means. */
function filesOf(mention: string): readonly string[] {
  const [found] = [mention, `${mention}.test.ts`, `${mention}.test.mjs`]
    .map((path) => join(top, path))
    .filter(existsSync);
  if (found === undefined) return [];
  return statSync(found).isDirectory()
    ? readdirSync(found, { recursive: true, encoding: 'utf8' })
        .map((name) => join(found, name))
        .filter((path) => /\.(ts|mjs)$/.test(path))
    : [found];
}
const mentionsOf = (text: string): readonly string[] => [...text.matchAll(/\btest\/[\w./-]*\w/g)].map(([path]) => path);

interface Row {
  readonly line: number;
  readonly text: string;
  /** Where it says that its fault is shown; a table may say it in its head, or the paragraph around it. */
  readonly shownBy: readonly string[];
}

/** Every line of every table, heads and rules left out. “the same” is what the row above says. */
function rows(): readonly Row[] {
  let section: readonly string[] = [];
  let above: readonly string[] = [];
  return lines.flatMap((text, index): readonly Row[] => {
    if (text.startsWith('## ')) section = [];
    const isRow = text.startsWith('|');
    if (!isRow || /^\| [^|]*\|[^|]*\|.*shown by/.test(text)) section = [...section, ...mentionsOf(text)];
    if (!isRow || text.startsWith('| ---') || lines[index + 1]?.startsWith('| ---')) return [];
    const mentioned = mentionsOf(text);
    const below = mentionsOf(lines.slice(index).find((line) => line.startsWith('All of them')) ?? '');
    const inherited = text.includes('| the same |') ? above : [...section, ...below];
    const shownBy = mentioned.length > 0 ? mentioned : inherited;
    above = shownBy;
    return [{ line: index + 1, text, shownBy }];
  });
}

describe('docs/faults.md', () => {
  it('has rows', () => expect(rows().length).toBeGreaterThan(60));

  it('names tests that exist', () => {
    expect(lines.flatMap((line) => mentionsOf(line)).filter((mention) => filesOf(mention).length === 0)).toEqual([]);
  });

  it('says of every fault what shows it', () => {
    expect(
      rows()
        .filter(({ text, shownBy }) => shownBy.length === 0 && !text.includes('npm run soak'))
        .map(({ line, text }) => `${line}: ${text}`),
    ).toEqual([]);
  });

  it('quotes names that the tests it points to have, or what the tool says', () => {
    const sources = readdirSync(join(top, 'src/core/judge'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `src/core/judge/${name}`)
      .concat('src/system/capture/link-watch.ts');
    const unknown = rows().flatMap(({ line, text, shownBy }) => {
      const texts = [...shownBy.flatMap(filesOf), ...sources.map((path) => join(top, path))].map((path) =>
        readFileSync(path, 'utf8').replaceAll("\\'", "'"),
      );
      return [...text.matchAll(/“([^”]+?)(?: ?…)?”/g)]
        .map(([, name = '']) => name)
        .filter((name) => !texts.some((source) => source.includes(name)))
        .map((name) => `${line}: ${name}`);
    });
    expect(unknown).toEqual([]);
  });
});
