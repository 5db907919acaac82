import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CaptureFile } from '../../../../src/system/capture/capture-file.js';
import { scratchFolder } from '../../../support/scratch.js';
import { frameOf } from '../../../support/pcap/taken-frame.js';
import { packetBlockLength } from '../../../../src/core/pcap/pcapng/packet-block.js';

const scratch = scratchFolder('capture-file');
const runTag = 0x01020304;

/** A frame that carries the run's tag. */
function tagged(): Buffer {
  const frame = Buffer.alloc(60);
  frame.write('VI', 14, 'latin1');
  frame.writeUInt32BE(runTag, 16);
  return frame;
}

test('a file has as many bytes as it may; who floods one interface leaves the others theirs', async () => {
  const path = join(scratch, 'bounded.pcapng');
  const most = 2 ** 21;
  const file = new CaptureFile({ path, fd: null, runTag, only: 'run', most, application: 'test' });
  const [flooded, quiet] = ['p0', 'p1'].map((name) =>
    file.addInterface({ name, description: name, filter: '', snaplen: 262_144 }),
  );
  const add = (id: number | undefined, count: number): void => {
    for (let sent = 0; sent < count; sent += 1) file.addFrame(id ?? -1, frameOf(tagged(), 1, sent, false));
  };
  add(flooded, 40_000);
  add(quiet, 4000);
  await file.finish(new Map());
  const [written, beyond] = [file.written(flooded ?? -1), file.beyondBound(flooded ?? -1)];
  expect([written > 10_000, written + beyond, file.unwritten.length]).toEqual([true, 40_000, 500]);
  expect([file.written(quiet ?? -1), file.beyondBound(quiet ?? -1), file.failure]).toEqual([4000, 0, null]);
  expect(statSync(path).size).toBeLessThanOrEqual(most);
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

test('leaves an interface that comes late more than its share, however many others flood', () => {
  const file = new CaptureFile({
    path: '/dev/null',
    fd: openSync('/dev/null', 'w'),
    runTag,
    only: 'run',
    most: 40_000,
    application: 'test',
  });
  const ids = ['p0', 'p1', 'p2'].map((name) =>
    file.addInterface({ name, description: name, filter: '', snaplen: 262_144 }),
  );
  const frame = tagged();
  const length = packetBlockLength(frame.length);
  const share = Math.floor(20_000 / ids.length / length);
  const add = (id: number, count: number): number => {
    for (let sent = 0; sent < count; sent += 1) file.addFrame(id, frameOf(frame, 1, sent, true));
    file.flush();
    return file.written(id);
  };
  const [p0 = -1, p1 = -1, p2 = -1] = ids;
  expect([add(p0, 1000) < 1000, add(p1, 1000) < 1000]).toEqual([true, true]);
  expect(add(p2, share + 10)).toBe(share + 10);
  expect([file.beyondBound(p2), file.busiest]).toEqual([0, p0]);
});
