import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../../..');
const tests = readdirSync(join(top, 'test'), { recursive: true, encoding: 'utf8' }).map((path) => basename(path));
/** A path from the top of the repository; a capital letter, `*` or `{` in it stands for something else. */
const path = /(?<![\w./-])(?:src|test|scripts|docs|scenarios|captures|contrib|bench|schema)\/[\w./*{},-]*[\w*}/]/g;
const testFile = /(?<![\w./-])[\w.-]+\.test\.ts/g;

function found(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([match]) => match))];
}

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (document) => {
  const text = readFileSync(join(top, document), 'utf8');

  it('names files and folders that exist', () => {
    const paths = found(text, path).filter((match) => !/[A-Z*{]/.test(match));
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((each) => !existsSync(join(top, each)))).toEqual([]);
  });

  it('names tests that exist', () => {
    const names = found(text, testFile);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !tests.includes(name))).toEqual([]);
  });
});

it('ARCHITECTURE.md takes three screens at most', () => {
  expect(readFileSync(join(top, 'ARCHITECTURE.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(130);
});

it('README.md, ARCHITECTURE.md and CONTRIBUTING.md name no folder of src that is gone', () => {
  const folders = new Set(readdirSync(join(top, 'src')));
  const named = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].flatMap((document) =>
    [...readFileSync(join(top, document), 'utf8').matchAll(/\bsrc\/([\w.-]*\w)/g)].map(([, name = '']) => name),
  );
  expect(named.filter((name) => !folders.has(name))).toEqual([]);
});
