import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `test`: what `npm test` runs; `all`: what `npm run test:all` runs beyond it. */
export type Level = 'test' | 'all';

/** Vitest refuses any other tag. */
export const tags = [
  { name: 'all', description: 'is for `npm run test:all` alone' },
  { name: 'alike', description: 'comes out alike whoever runs it: `npm run test:all` repeats it as no second user' },
  { name: 'kernel', description: 'what a kernel can do decides it: `npm run test:kernel` runs it under a second one' },
];

/** Vitest arguments of a level: a test without the tag `all` is for `npm test`. */
export const tagsFilters: Readonly<Record<Level, string>> = { test: '!all', all: 'all' };

/** Levels that a file of tests has tests for, by its text: vitest reads the tags of a test only after loading the file. */
export function levelsOf(text: string): readonly Level[] {
  if (/^\/\/ @module-tag all\b/m.test(text)) return ['all'];
  return /\btags: (\[[^\]]*)?'all'/.test(text) ? ['test', 'all'] : ['test'];
}

/** Level by the value of VERIFY_ISOLATION_LEVEL; null = every test. */
export function parseLevel(value: string | undefined): Level | null {
  if (value === undefined || value === '') return null;
  if (value === 'test' || value === 'all') return value;
  throw new Error(`VERIFY_ISOLATION_LEVEL: there is no level ${value}; set it to test or all, or unset it`);
}

/** Files of tests below test/PROJECT in the checkout `top` that have tests for the level, relative to `top`. */
export function filesOfLevel(top: string, project: string, level: Level | null): string[] {
  return readdirSync(join(top, 'test', project), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${project}/${name}`)
    .filter((file) => level === null || levelsOf(readFileSync(join(top, file), 'utf8')).includes(level));
}

/** Cases for `npm test`, one of each kind, and the others, for `npm run test:all`. */
export function firstOfEach<Case>(
  cases: readonly Case[],
  kindOf: (of: Case) => string,
): { readonly first: readonly Case[]; readonly others: readonly Case[] } {
  const kinds = cases.map(kindOf);
  const isFirst = (_: Case, at: number): boolean => kinds.indexOf(kinds[at] ?? '') === at;
  return { first: cases.filter(isFirst), others: cases.filter((of, at) => !isFirst(of, at)) };
}
