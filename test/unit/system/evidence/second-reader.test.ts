import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareReaders } from '../../../../src/system/evidence/second-reader.js';
import { callHere } from '../../../support/call-here.js';
import { scratchFolder } from '../../../support/scratch.js';

const scratch = scratchFolder('second-reader');
const original = 'captures/foreign-both-ways/guest.pcap';

function changed(change: (bytes: Buffer) => Buffer): string {
  const path = join(scratch, 'changed.pcap');
  writeFileSync(path, change(readFileSync(original)));
  return path;
}
const firstRecord = 24;

describe('two readers', () => {
  it.each([original, 'captures/foreign-big-endian/guest.pcap'])('read the same in %s', async (path) => {
    const comparison = await compareReaders(path);
    expect(comparison).toMatchObject({ fault: null, differences: [] });
    expect(comparison?.packets).toBeGreaterThan(5);
  });

  it('are not there for other forms', async () => {
    for (const path of ['captures/foreign-pcapng/guest.pcapng', 'captures/foreign-nanoseconds/guest.pcap'])
      expect(await compareReaders(path)).toBeNull();
    expect((await callHere('check', 'captures/foreign-pcapng/guest.pcapng')).status).toBe(64);
  });

  it('say both where a file is cut', async () => {
    const cut = await compareReaders(changed((bytes) => bytes.subarray(0, bytes.length - 3)));
    expect(cut?.fault).toMatch(/offset \d+/);
    expect(cut?.differences).toEqual([]);
  });

  it('are told apart where they read another time', async () => {
    // a million microseconds and more: our reader counts them on, and so must the other
    const path = changed((bytes) => {
      bytes.writeUInt32LE(0xffff_ffff, firstRecord + 4);
      return bytes;
    });
    expect((await compareReaders(path))?.differences).toEqual([]);
  });

  it('are what check FILE and replay --second-reader say', async () => {
    expect(await callHere('check', original)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ok {4}two readers read the same \d+ packets$/m) as string,
    });
    const replayed = await callHere('replay', original, '--mac', '52:54:00:27:4e:0a', '--second-reader');
    expect(replayed.stderr).toMatch(/two readers read the same \d+ packets/);
    expect((await callHere('replay', 'captures/hub-mode', '--second-reader')).status).toBe(64);
  });
});
