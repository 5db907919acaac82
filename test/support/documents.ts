import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
export const top = resolve(import.meta.dirname, '../..');

/** Text of a file of the checkout. */
export const textOf = (path: string): string => readFileSync(join(top, path), 'utf8');

/** What a user reads: their paths in the checkout. */
export const documents: readonly string[] = [
  'README.md',
  ...readdirSync(join(top, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** Fenced blocks of a language in Markdown. */
export function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block);
}

/** Items of lists that begin with a code and a colon: the code, and what is said of it. */
export function itemsOf(text: string): readonly (readonly [code: string, meaning: string])[] {
  return [...text.matchAll(/^- `([a-z-]+)`:((?:.*)(?:\n {2}\S.*)*)/gm)].map(([, code = '', meaning = '']) => [
    code,
    meaning.replaceAll(/\s+/g, ' ').trim(),
  ]);
}
