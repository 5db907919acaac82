import { expect, it } from 'vitest';
import { type Cleaned, cleanedText, isClean } from '../../../../../src/system/fabric/host/undo.js';

const run = (undone: number, left: readonly string[] = [], failed: readonly string[] = []): Cleaned => ({
  kind: 'run',
  runId: 'a\u001b',
  undone,
  unrestored: left,
  failed,
});
const refused: Cleaned = { kind: 'refused', file: '/x\u001b', why: 'it is\u001b a folder' };

it('is clean where nothing is left that somebody has to look at', () => {
  expect([run(1), run(0, ['l']), run(0, [], ['f']), run(0, ['l'], ['f']), refused].map(isClean)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

it('says what became of each journal, in harmless text', () => {
  const of = 'run a\\u{1b} was killed:';
  expect([run(0), run(1), run(2)].map(cleanedText)).toEqual([
    `${of} 0 changes undone, nothing is left of it`,
    `${of} 1 change undone, nothing is left of it`,
    `${of} 2 changes undone, nothing is left of it`,
  ]);
  expect(cleanedText(run(1, ['l\u001b']))).toBe(
    `${of} 1 change undone, and this is another program's by now:\n  l\\u{1b}`,
  );
  expect(cleanedText(run(2, ['l'], ['f']))).toBe(`${of} 2 changes undone, and this is left of it:\n  f\n  l`);
  expect(cleanedText(refused)).toBe('/x\\u{1b} was left alone: it is\\u{1b} a folder. Look at it, then remove it');
});
