import { describe, expect, it } from 'vitest';
import {
  everyFrameProgram,
  isSearchable,
  searchProgram,
  searchTable,
  workLength,
} from '../../../../src/core/wire/search-program.js';

const runTag = 0x01020304;

describe('the search for a run’s tokens', () => {
  it('is made for tags whose bytes differ from one another and from the magic’s, none of them 0', () => {
    expect(isSearchable(runTag)).toBe(true);
    for (const tag of [0x01020303, 0x56020304, 0x01490304, 0x01020004, 0x00020304])
      expect(isSearchable(tag)).toBe(false);
  });
  it('knows of each byte how much of the mark follows from there on', () => {
    const table = searchTable(runTag);
    expect(table).toHaveLength(workLength);
    expect([0x56, 0x49, 1, 2, 3, 4].map((byte) => table[byte])).toEqual([6, 5, 4, 3, 2, 1]);
    expect(table.reduce((sum, value) => sum + value, 0)).toBe(21);
  });
  it('jumps forward within the program, but for one jump back to its loop', () => {
    for (const bytes of [
      searchProgram(runTag, 'out', { counts: 7, table: 8 }),
      searchProgram(runTag, 'every', { counts: 7, table: 8 }),
      everyFrameProgram('out', 7),
      everyFrameProgram('every', 7),
    ]) {
      const view = new DataView(bytes.buffer);
      const codes = Array.from({ length: bytes.length / 8 }, (_, at) => view.getUint8(at * 8));
      const jumps = codes.flatMap((code, at) =>
        (code & 7) === 5 && code !== 0x85 && code !== 0x95 ? [at + 1 + view.getInt16(at * 8 + 2, true)] : [],
      );
      expect(Math.min(...jumps)).toBeGreaterThan(0);
      expect(Math.max(...jumps)).toBeLessThan(codes.length);
      expect(codes.at(-1)).toBe(0x95); // exit
    }
  });
});
