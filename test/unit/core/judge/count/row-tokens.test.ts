import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowRows } from '../../../../../src/core/judge/count/flow-rows.js';
import { RowTokens } from '../../../../../src/core/judge/count/row-tokens.js';

/** Adds tokens to two rows in turn, as a set would; gives the sequences for which it and the set differ. */
function differences(tokens: number, sequences: readonly number[]): readonly number[] {
  const rows = new FlowRows(2, 10);
  const seen = new RowTokens();
  const sets = [new Set<number>(), new Set<number>()];
  const wrong: number[] = [];
  sequences.forEach((sequence, at) => {
    const set = sets[at % 2] ?? new Set();
    const row = rows.findOrAdd(at % 2, 0);
    if (seen.hasToken(rows.columns, row, sequence, tokens) !== set.has(sequence)) wrong.push(sequence);
    if (seen.addToken(rows.columns, row, sequence, tokens) === set.has(sequence)) wrong.push(sequence);
    set.add(sequence);
    rows.columns.count[row] = set.size;
    if (!seen.hasToken(rows.columns, row, sequence, tokens)) wrong.push(sequence);
  });
  for (const [at, set] of sets.entries()) {
    const row = rows.findOrAdd(at, 0);
    for (const sequence of new Set([...sequences, 0, tokens - 1]))
      if (seen.hasToken(rows.columns, row, sequence, tokens) !== set.has(sequence)) wrong.push(sequence);
  }
  return wrong;
}

describe('the tokens of a row', () => {
  // In the row, in words beside it, in pages; and on either side of where one becomes the other.
  it.each([1, 31, 32, 33, 64, 4096, 4097, 20_000])('are those that were added, of %i', (tokens) => {
    fc.assert(
      fc.property(fc.array(fc.nat(tokens - 1), { maxLength: 60 }), (sequences) => {
        expect(differences(tokens, sequences)).toEqual([]);
      }),
    );
  });

  it('take no bits while they come in order, and a bit each once one is missing', () => {
    const rows = new FlowRows(1, 1);
    const row = rows.findOrAdd(0, 0);
    const seen = new RowTokens();
    const add = (sequence: number): number => {
      if (seen.addToken(rows.columns, row, sequence, 32)) rows.columns.count[row] = (rows.columns.count[row] ?? 0) + 1;
      return rows.columns.inOrder[row] ?? -1;
    };
    expect([3, 4, 5, 4, 7, 3].map(add)).toEqual([1, 1, 1, 1, 0, 0]);
    expect([rows.columns.count[row], rows.columns.bits[row]]).toEqual([4, 0b1011_1000]);
  });
});
