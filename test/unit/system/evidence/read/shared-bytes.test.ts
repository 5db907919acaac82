import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaveBytes, shareBytes, takeBytes } from '../../../../../src/system/evidence/read/shared-bytes.js';

let dir = '';
let path = '';
let wanted = Buffer.alloc(0);
const open: number[] = [];
const chunk = 1 << 18;
const ring = 64;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'shared-bytes-'));
  path = join(dir, 'file');
  wanted = Buffer.alloc(100 * chunk + 77);
  for (let at = 0; at < wanted.length; at += 4) wanted.writeUInt32LE(at, Math.min(at, wanted.length - 4));
  writeFileSync(path, wanted);
});
afterAll(() => {
  for (const file of open) closeSync(file);
  rmSync(dir, { recursive: true });
});

function share(of = path): ReturnType<typeof shareBytes> {
  const file = openSync(of, 'r');
  open.push(file);
  return shareBytes(file);
}
/** Is it the nth chunk of the file? */
const isAt = (taken: unknown, n: number): boolean =>
  taken instanceof Uint8Array && wanted.subarray(n * chunk, (n + 1) * chunk).equals(taken);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('bytes that two threads read together', () => {
  it.each([
    [1, 1],
    [3, 1],
    [1, 3],
    [64, 1],
    [1, 64],
  ])("are the file's for both, where one takes %i chunks and the other %i in turn", (many, few) => {
    const shared = share();
    const sides = (
      [
        ['judge', many],
        ['hash', few],
      ] as const
    ).map(([who, at]) => ({ take: takeBytes(shared, who), at, hash: createHash('sha256'), over: false }));
    while (sides.some(({ over }) => !over)) {
      for (const side of sides) {
        for (let i = 0; i < side.at && !side.over; i += 1) {
          const taken = side.take(0);
          if (taken === 'behind') break;
          if (taken === null) side.over = true;
          else side.hash.update(taken);
        }
      }
    }
    expect(sides.map(({ hash }) => hash.digest('hex'))).toEqual([sha256(wanted), sha256(wanted)]);
  });

  it('are not overwritten before both have had them, and are read on alone where one has left', () => {
    const shared = share();
    const judge = takeBytes(shared, 'judge');
    const hash = takeBytes(shared, 'hash');
    const first = hash(0);
    for (let i = 1; i < ring; i += 1) expect(hash(0)).toBeInstanceOf(Uint8Array);
    expect(hash(0)).toBe('behind');
    expect(isAt(first, 0)).toBe(true);
    expect(isAt(judge(0), 0)).toBe(true);
    expect(hash(0)).toBe('behind');
    judge(0); // the first chunk is done with
    expect(isAt(hash(0), ring)).toBe(true);
    leaveBytes(shared, 'judge');
    let left = wanted.length - (ring + 1) * chunk;
    for (let taken = hash(0); taken !== null; taken = hash(0)) left -= taken === 'behind' ? 0 : taken.length;
    expect(left).toBe(0);
  });

  it('cannot be read where the file is none, for both', () => {
    const shared = share(dir);
    expect(() => takeBytes(shared, 'hash')(0)).toThrow(/EISDIR/);
    leaveBytes(shared, 'hash');
    expect(() => takeBytes(shared, 'judge')(0)).toThrow(/EISDIR/);
  });
});
