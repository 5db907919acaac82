import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { wordsIn } from '../support/sentences.js';

const src = resolve(import.meta.dirname, '../../src');

/** Comments of a source: doc comments, and lines that stand together. */
function commentsOf(source: string): readonly string[] {
  const found = source.match(/\/\*\*[^]*?\*\/|(?:^[ \t]*\/\/ .*\n?)+/gm) ?? [];
  return found.map((comment) =>
    comment
      .replaceAll(/^\s*(?:\/\*\*|\*\/|\*(?!\/)|\/\/)|\*\/$/gm, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
}

/** A comment begins with its subject, not with a clause that stands for it. */
const clause = /^(What|Who|Whom|Where|Whether)\b/;
const maxWords = 20;

/** Sentences of a comment without its examples; a colon or a semicolon ends a part. */
function longSentences(comment: string): number {
  const prose = comment.replace(/ @example .*$/, '').replaceAll(/`[^`]*`/g, 'code');
  return prose.split(/(?<=[.;:?!]) /).filter((sentence) => wordsIn(sentence) > maxWords).length;
}

const counts = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => {
    const comments = commentsOf(readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    return {
      clauses: comments.filter((comment) => clause.test(comment)).length,
      long: comments.reduce((sum, comment) => sum + longSentences(comment), 0),
    };
  });
const total = (of: (file: (typeof counts)[number]) => number): number =>
  counts.reduce((sum, file) => sum + of(file), 0);

it('finds what it counts', () => {
  const source = `/** Whether it is. */\nconst a = 1;\n// What it has\n// and more\nconst b = 2; // Where\n`;
  expect(commentsOf(source)).toEqual(['Whether it is.', 'What it has and more']);
  expect(commentsOf(source).map((comment) => clause.test(comment))).toEqual([true, true]);
  expect(longSentences(`${'word '.repeat(21)}end.`)).toBe(1);
  expect(longSentences(`${'word '.repeat(12)}end; ${'word '.repeat(12)}end.`)).toBe(0);
});

// Both numbers only fall: lower them with each change. A new file has at most one such comment.
it('comments begin with their subject: at most one a file does not, and these more', () => {
  expect(total(({ clauses }) => Math.max(0, clauses - 1))).toBeLessThanOrEqual(3);
});

it('sentences of comments have at most 20 words, but for these', () => {
  expect(total(({ long }) => long)).toBeLessThanOrEqual(68);
});
