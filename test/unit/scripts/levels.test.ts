import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOfLevel, levelsOf, parseLevel, tags } from '../../support/levels.js';

const top = resolve(import.meta.dirname, '../../..');
const projects = ['unit', 'lab', 'system'];
const files = readdirSync(join(top, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.[mc]?[jt]s$/.test(name),
);
const textOf = (file: string): string => readFileSync(join(top, 'test', file), 'utf8');
/** Not in its own text, where the level of this file is read. */
const [module, all] = ['@module-tag', 'all'];

describe('the level of a file of tests', () => {
  it.each([
    ['it("x", () => {});', ['test']],
    [`// ${module} all\nit("x", () => {});`, ['all']],
    [`// ${module} alike: frames decide\n`, ['test']],
    [`describe('x', { tags: '${all}' }, () => {});`, ['test', 'all']],
    [`it('x', { tags: ['kernel', '${all}'], timeout: 5 }, () => {});`, ['test', 'all']],
    ["it('x', { tags: 'kernel' }, () => all);", ['test']],
  ])('is read from its tags: %s', (text, levels) => expect(levelsOf(text)).toEqual(levels));

  it('is one of two', () => {
    expect([undefined, '', 'test', 'all'].map(parseLevel)).toEqual([null, null, 'test', 'all']);
    expect(() => parseLevel('nightly')).toThrow('there is no level nightly');
  });
});

describe('every file of tests', () => {
  const known = projects.flatMap((project) => filesOfLevel(top, project, null));

  it('belongs to a level, and some to each', () => {
    const [test, all] = (['test', 'all'] as const).map((level) =>
      projects.flatMap((project) => filesOfLevel(top, project, level)),
    );
    expect(new Set([...(test ?? []), ...(all ?? [])])).toEqual(new Set(known));
    expect(test?.length).toBeGreaterThan(400);
    expect(all?.length).toBeGreaterThan(3);
  });

  it('has tags that there are', () => {
    const names = tags.map(({ name }) => name);
    const used = files.flatMap((file) =>
      [...textOf(file).matchAll(/^\/\/ @module-tag ([\w-]+)|\{ tags: (\[[^\]]*\]|'[^']*')/gm)].flatMap(
        ([, module, own = '']) => [module, ...[...own.matchAll(/'([\w-]+)'/g)].map(([, name]) => name)],
      ),
    );
    expect(new Set(used.filter((name) => name !== undefined))).toEqual(new Set(names));
  });

  it('has the tag `all` in its own text, where its level is read', () => {
    const others = files.filter((file) => !file.endsWith('.test.ts'));
    expect(others.filter((file) => file !== 'support/levels.ts' && levelsOf(textOf(file)).includes('all'))).toEqual([]);
  });
});

describe('CONTRIBUTING.md', () => {
  const text = readFileSync(join(top, 'CONTRIBUTING.md'), 'utf8');
  const { scripts } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };

  it('names every command that tests, and no command that is not there', () => {
    const named = [...text.matchAll(/`npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(Object.keys(scripts).filter((name) => name.startsWith('test:') && !named.includes(name))).toEqual([]);
  });
});
