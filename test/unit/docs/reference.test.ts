import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditIds, causeCodes, isCauseCode, weaknessMeaning } from '../../../src/core/bridge/weaknesses.js';
import { reasonHints } from '../../../src/core/model/reasons.js';
import { exitStatuses, runExits } from '../../../src/core/model/verify-error.js';
import { scenarioClasses } from '../../../src/core/probe/classes.js';
import { loadScenario } from '../../../src/index.js';
import { engines } from '../../../src/system/capture/choose-engine.js';
import { itemsOf, textOf, top } from '../../support/documents.js';
import { scratchFolder } from '../../support/scratch.js';

describe('docs/audit.md', () => {
  const text = textOf('docs/audit.md');
  it('has every finding that is no cause of a leak with what explain says of it', () => {
    const own = auditIds.filter((id) => !isCauseCode(id));
    expect(Object.fromEntries(itemsOf(text))).toEqual(Object.fromEntries(own.map((id) => [id, weaknessMeaning(id)])));
    expect(itemsOf(text)).toHaveLength(own.length);
  });

  it('names those that the catalogue explains as causes', () => {
    const named = /Also causes of leaks, explained \[there\]\(catalogue\.md#causes\):([^]*?)\.\n/.exec(text)?.[1] ?? '';
    expect([...named.matchAll(/`([a-z-]+)`/g)].map(([, id]) => id)).toEqual(auditIds.filter(isCauseCode));
  });
});

it('docs/verdicts.md has every reason with what it means: the first sentence of what explain says of it', () => {
  expect(itemsOf(textOf('docs/verdicts.md'))).toEqual(
    Object.entries(reasonHints).map(([code, hint]) => [code, hint.replace(/(?<=\.) [^]*/, '')]),
  );
});

it('docs/commands.md says what every exit status means, the README what a run ends with', () => {
  expect(textOf('docs/commands.md').split(/^## /m).at(-1)).toContain(
    exitStatuses.map(({ status, long }) => `- ${status}: ${long}\n`).join(''),
  );
  const [, listed = ''] = /^\[Exit status\]\(.*\): (.*)\.$/m.exec(textOf('README.md')) ?? [];
  expect(runExits.map(({ status, short }) => `${status} ${short}`)).toEqual(expect.arrayContaining(listed.split(', ')));
});

it('docs/engines.md has every engine', () => {
  const rows = textOf('docs/engines.md').matchAll(
    /^\| `(\w+)` \| (?:kernel|user) \| (?:known|unknown) \| (?:known|inferred) \| counted \|$/gm,
  );
  expect([...rows].map(([, engine]) => engine).sort()).toEqual(Object.keys(engines).sort());
});

describe('the catalogue', () => {
  const text = textOf('docs/catalogue.md');
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

  it('says of every class what is sent, what it means, what a bridge does, and what stops it', () => {
    const found = table('Classes');
    expect([...found.keys()].sort()).toEqual([...scenarioClasses].sort());
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
    expect(rows.map(({ name }) => name).sort()).toEqual([...scenarioClasses].sort());
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

const faults = textOf('docs/faults.md').split('\n');

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
  return faults.flatMap((text, index): readonly Row[] => {
    if (text.startsWith('## ')) section = [];
    const isRow = text.startsWith('|');
    if (!isRow || /^\| [^|]*\|[^|]*\|.*shown by/.test(text)) section = [...section, ...mentionsOf(text)];
    if (!isRow || text.startsWith('| ---') || faults[index + 1]?.startsWith('| ---')) return [];
    const mentioned = mentionsOf(text);
    const below = mentionsOf(faults.slice(index).find((line) => line.startsWith('All of them')) ?? '');
    const inherited = text.includes('| the same |') ? above : [...section, ...below];
    const shownBy = mentioned.length > 0 ? mentioned : inherited;
    above = shownBy;
    return [{ line: index + 1, text, shownBy }];
  });
}

describe('docs/faults.md', () => {
  it('has rows', () => expect(rows().length).toBeGreaterThan(60));

  it('names tests that exist', () => {
    expect(faults.flatMap((line) => mentionsOf(line)).filter((mention) => filesOf(mention).length === 0)).toEqual([]);
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

const scratch = scratchFolder('reference');

interface Node {
  readonly properties: Record<string, unknown>;
  readonly definitions: Record<string, { readonly properties: Record<string, unknown> }>;
}

const generate = (
  schema: string,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
  spawnSync(process.execPath, [join(top, 'scripts/scenario-reference.mjs'), schema], { encoding: 'utf8' });

/** The schema with one thing more, as a file. */
function changed(name: string, change: (schema: Node) => void): string {
  const schema: Node = JSON.parse(textOf('schema/scenario.v1.json'));
  change(schema);
  const path = join(scratch, name);
  writeFileSync(path, JSON.stringify(schema));
  return path;
}

describe('docs/scenario.md', () => {
  it('is what the schema says (npm run schema writes both)', () => {
    expect(generate(join(top, 'schema/scenario.v1.json'))).toMatchObject({
      status: 0,
      stderr: '',
      stdout: textOf('docs/scenario.md'),
    });
  });

  it.each([
    [
      'a key of the file',
      changed('file.json', ({ properties }) => {
        properties['fresh'] = { type: 'string' };
      }),
      'the file.fresh',
    ],
    [
      'a key of a probe',
      changed('probe.json', ({ definitions }) => {
        (definitions['probe'] ?? { properties: {} }).properties['fresh'] = { $ref: '#/definitions/mac' };
      }),
      'probe.fresh',
    ],
    [
      'a map without a name',
      changed('map.json', ({ properties }) => {
        properties['fresh'] = { description: 'x', type: 'object', properties: { inner: { description: 'y' } } };
      }),
      'a map without a name: inner',
    ],
  ])('is not made while %s is not described', (_, schema, place) => {
    const { status, stderr } = generate(schema);
    expect({ status, told: stderr.includes(place) }).toEqual({ status: 65, told: true });
  });
});
