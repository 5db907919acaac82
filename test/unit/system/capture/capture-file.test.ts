import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CaptureFile } from '../../../../src/system/capture/capture-file.js';
import { scratchFolder } from '../../../support/scratch.js';
import { frameOf } from '../../../support/pcap/taken-frame.js';

const scratch = scratchFolder('capture-file');
const runTag = 0x01020304;

/** A frame that carries the run's tag. */
function tagged(): Buffer {
  const frame = Buffer.alloc(60);
  frame.write('VI', 14, 'latin1');
  frame.writeUInt32BE(runTag, 16);
  return frame;
}

test('a file has as many bytes as it may, and keeps a share of what carries the tag then', async () => {
  const path = join(scratch, 'bounded.pcapng');
  const most = 2 ** 21;
  const file = new CaptureFile({ path, fd: null, runTag, only: 'run', most, application: 'test' });
  const port = file.addInterface({ name: 'p0', description: 'p0', filter: '', snaplen: 262_144 });
  for (let sent = 0; sent < 40_000; sent += 1) file.addFrame(port, frameOf(tagged(), 1, sent, false));
  await file.finish(new Map());
  expect(file.failure).toMatch(
    / and may have 2097152, by far more than the plan fills: a guest floods the run's tokens/,
  );
  expect(statSync(path).size).toBeLessThanOrEqual(most);
  expect(statSync(path).size).toBeGreaterThan(most / 2);
  expect([file.written(port) > 10_000, file.unwritten.length]).toEqual([true, 1000]);
});

test('a file that takes nothing leaves each interface and direction its share of what is kept, whoever floods', () => {
  const fd = openSync('/dev/full', 'w');
  const file = new CaptureFile({ path: '/dev/full', fd, runTag, only: 'all', most: null, application: 'test' });
  const [flooding, leaked] = ['p0', 'p1'].map((name) =>
    file.addInterface({ name, description: name, filter: '', snaplen: 262_144 }),
  );
  const frame = tagged();
  const add = (id: number | undefined, count: number, outgoing: boolean): void => {
    for (let sent = 0; sent < count; sent += 1) file.addFrame(id ?? -1, frameOf(frame, 1, sent, outgoing));
    file.flush();
  };
  add(flooding, 20_000, false);
  add(leaked, 20, true);
  add(flooding, 3, true);
  closeSync(fd);
  const count = (id: number | undefined, outgoing: boolean): number =>
    file.unwritten.filter((kept) => kept.interface === id && kept.outgoing === outgoing).length;
  expect(file.failure).toContain('no space left on device');
  expect([count(flooding, false), count(leaked, true), count(flooding, true)]).toEqual([500, 20, 3]);
});
