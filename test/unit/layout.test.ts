import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../..');
const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(top, join(entry.parentPath, entry.name)));
const files = filesBelow('test');
const sources = filesBelow('src').filter((file) => file.endsWith('.ts'));
const tests = files.filter((file) => file.endsWith('.test.ts'));
const unit = tests.filter((file) => file.startsWith('test/unit/'));

/** What a test of these folders is about is no file of src. */
const notOfSrc = ['captures', 'docs', 'scripts'];

describe('tests', () => {
  it('are found', () => expect(unit.length).toBeGreaterThan(100));

  it('are all in a project', () => {
    expect(tests.filter((file) => !/^test\/(unit|lab|system)\//.test(file))).toEqual([]);
  });

  it('of a unit stand where it stands in src', () => {
    const folders = [...new Set(unit.map((file) => relative('test/unit', dirname(file))))];
    expect(folders.filter((folder) => !notOfSrc.includes(folder) && !existsSync(join(top, 'src', folder)))).toEqual([]);
  });

  it('of a unit need no lab, and are skipped nowhere', () => {
    const needing = /from '[^']*support\/(lab\/|needs)|\.(skipIf|runIf|skip)\b\(/;
    expect(unit.filter((file) => needing.test(readFileSync(join(top, file), 'utf8')))).toEqual([]);
  });
});

/** Folders whose files are one family each: alike, and read one at a time. */
const families = ['classes', 'weaknesses', 'managers', 'rules', 'wire'];

describe('a folder of src and test', () => {
  it('has at most 20 files, one of a family 40', () => {
    const folders = [...files, ...sources].map((file) => dirname(file));
    const mostOf = (folder: string): number => (families.includes(basename(folder)) ? 40 : 20);
    const isCrowded = (folder: string): boolean => folders.filter((each) => each === folder).length > mostOf(folder);
    expect([...new Set(folders)].filter(isCrowded)).toEqual([]);
  });
});

describe('comments of src', () => {
  it('have 120 columns at most', () => {
    expect(sources.length).toBeGreaterThan(500);
    const long = sources.flatMap((file) =>
      readFileSync(join(top, file), 'utf8')
        .split('\n')
        .flatMap((line, at) => (line.length > 120 && /^\s*(\/\*\*|\*|\/\/)/.test(line) ? [`${file}:${at + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });
});
