import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents } from '../../support/documents.js';
import { cellsOf, sentencesOf } from '../../support/sentences.js';

const top = resolve(import.meta.dirname, '../../..');
const pages = [...documents, 'SECURITY.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];
const textOf = (page: string): string => readFileSync(join(top, page), 'utf8');
/** As `wc -w` counts. */
const wordsOf = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;

const maxSentence = 25;
/** Two lines of 120 columns, without the targets of links. */
const maxCell = 240;
/** Two thirds of what the documents had before they were shortened. */
const maxWords = Math.floor((35_836 * 2) / 3);

describe.each(pages)('%s', (page) => {
  const text = textOf(page);

  it(`has sentences of at most ${maxSentence} words`, () => {
    expect(sentencesOf(text).flatMap(({ text, words }) => (words > maxSentence ? [`${words}: ${text}`] : []))).toEqual(
      [],
    );
  });

  it('has no cell of a table that is longer than two lines', () => {
    const lengths = cellsOf(text).map((cell) => ({ cell, length: cell.replaceAll(/\]\([^)]*\)/g, ']').length }));
    expect(lengths.filter(({ length }) => length > maxCell)).toEqual([]);
  });
});

it('the documents have no more words than they need', () => {
  const words = pages.reduce((sum, page) => sum + wordsOf(textOf(page)), 0);
  expect(
    words,
    `${words} words: say each fact once and link to it, put figures into bench/RESULTS.md, make tables of prose; ` +
      'raise maxWords in test/unit/docs/length.test.ts only for what users could not do before',
  ).toBeLessThanOrEqual(maxWords);
});

describe('sentences', () => {
  it.each([
    ['One. Two is `a b c`; more.', [1, 4]],
    ['| a; b c | `x` |', [1, 2, 1]],
    ['- One\n  more; again.\n- Two\n\n```text\nnot this\n```', [2, 1, 1]],
    ['See [the page](x y). [Next](z) one.', [3, 2]],
  ])('%j', (text, words) => {
    expect(
      sentencesOf(text)
        .map((sentence) => sentence.words)
        .filter((count) => count > 0),
    ).toEqual(words);
  });
});
