import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { causeCodes, weaknessMeaning } from '../../../src/core/bridge/weaknesses.js';
import { probeClasses } from '../../../src/core/probe/classes.js';
import { loadScenario } from '../../../src/index.js';
import { itemsOf } from '../../support/documents.js';

const top = resolve(import.meta.dirname, '../../..');
const text = readFileSync(join(top, 'docs/catalogue.md'), 'utf8');
const rows = [
  ...(/## Scenarios by class\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '').matchAll(
    /^\| ([a-z-]+(?:, [a-z-]+)*) \| (.*) \|$/gm,
  ),
]
  .filter(([, names]) => names !== 'class' && names !== '---')
  .flatMap(([, names = '', links = '']) =>
    names.split(', ').map((name) => ({
      name,
      files: [...links.matchAll(/\.\.\/(scenarios\/[^)]+)\)/g)].map(([, file = '']) => file),
    })),
  );

/** The cells of a table below a heading, by the first, without its head. */
function table(heading: string): ReadonlyMap<string, readonly string[]> {
  const section = new RegExp(`\n## ${heading}\n([\\s\\S]*?)\n## `).exec(text)?.[1] ?? '';
  const lines = section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.slice(2, -2).split(' | '));
  return new Map(
    lines.flatMap(([name = '', ...cells]) =>
      name
        .replaceAll(' *', '')
        .split(', ')
        .map((line) => [line, cells] as const),
    ),
  );
}

describe('the catalogue', () => {
  it('says of every class what is sent, what it means, what a bridge does, and what stops it', () => {
    const found = table('Classes');
    expect([...found.keys()].sort()).toEqual([...probeClasses].sort());
    for (const [name, cells] of found) {
      expect(
        cells.map((cell) => cell.trim() !== ''),
        name,
      ).toEqual(Array(4).fill(true));
    }
  });

  it('says of every cause what it means, in the words of the reports, and the fix', () => {
    const causes = text.slice(text.indexOf('\n## Causes'), text.indexOf('\n## Fixes that are tried'));
    const found = itemsOf(causes).map(([code, words]) => [code, words.split(' Fix: ')] as const);
    expect(Object.fromEntries(found.map(([code, [meaning]]) => [code, meaning]))).toEqual(
      Object.fromEntries([...causeCodes, 'unexplained' as const].map((code) => [code, weaknessMeaning(code)])),
    );
    expect(found.filter(([, [, fix = '']]) => fix.trim() === '')).toEqual([]);
  });

  it('says where to read on', () => {
    const section = text.slice(text.indexOf('\n## Where to read on'));
    expect([...section.matchAll(/\]\(https:/g)].length).toBeGreaterThan(20);
  });

  it('has a row of scenarios for every class', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...probeClasses].sort());
  });

  it.each(rows)('$name: its scenarios show it open and closed', async ({ name, files }) => {
    const scenarios = await Promise.all(files.map((file) => loadScenario(join(top, file))));
    const expected = scenarios.flatMap(({ steps }) =>
      steps.filter((step) => step.probes.some((probe) => probe.class === name)).map((step) => step.expect.expected),
    );
    expect(expected).toContain('broken');
    expect(expected).toContain('holds');
  });
});
