import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readU32 } from '../../../../../src/core/wire/bytes.js';
import { CaptureFile } from '../../../../../src/system/capture/capture-file.js';
import { type PartialCaptures, partialCaptures } from '../../../../../src/system/evidence/collate/partial-captures.js';
import { readRawFrames } from '../../../../../src/system/evidence/collate/raw-frames.js';
import { frameOf } from '../../../../support/pcap/taken-frame.js';
import { scratchFolder } from '../../../../support/scratch.js';

const scratch = scratchFolder('partial-captures');

function folder(name: string): string {
  const dir = join(scratch, name);
  mkdirSync(join(dir, 'raw'), { recursive: true });
  return dir;
}

const blocks = [{ step: 0, observer: 0, name: 'a', description: 'a (guest)' }];

/** The numbers of the frames of a step, as they are given while its captures grow. */
async function numbersOf(
  captures: PartialCaptures,
  step: number,
  damages: string[],
  together = captures.together,
): Promise<readonly number[]> {
  const numbers: number[] = [];
  const { read, release } = captures;
  const reading = { blocks, damages, clocks: new Map<string, bigint>(), together, read, release };
  for await (const frames of readRawFrames(await captures.capturesOfStep(step), reading)) {
    frames.each((batch, packet) => numbers.push(readU32(batch.bytes, batch.offset[packet] ?? 0)));
  }
  return numbers;
}

function captureFile(dir: string, name: string) {
  const file = new CaptureFile({
    path: join(dir, 'raw', name),
    fd: null,
    runTag: null,
    only: 'all',
    most: null,
    application: 'test',
  });
  const id = file.addInterface({ name: 'a', description: 'a (guest)', filter: '', snaplen: 2048 });
  const add = (from: number, to: number): void => {
    for (let number = from; number < to; number += 1) {
      const frame = Buffer.alloc(60);
      frame.writeUInt32BE(number);
      file.addFrame(id, frameOf(frame, 1_764_000_000, number));
    }
    file.flush();
  };
  return { add, finish: () => file.finish(new Map()) };
}

describe('captures that grow', () => {
  it('are read to where they end, in whatever pieces they come', async () => {
    const dir = folder('one');
    const captures = partialCaptures(dir);
    const damages: string[] = [];
    const file = captureFile(dir, '1-1.pcapng');
    file.add(0, 1000);
    captures.hear({ kind: 'begun', step: 0 });
    const reading = numbersOf(captures, 0, damages);
    await sleep(60);
    file.add(1000, 30_000);
    await sleep(60);
    file.add(30_000, 30_001);
    await file.finish();
    captures.hear({ kind: 'ended', step: 0 });
    expect(await reading).toEqual(Array.from({ length: 30_001 }, (_, at) => at));
    expect(damages).toEqual([]);
  });

  it('keep what waits to be ordered, and read into the memory of what does not', async () => {
    const dir = folder('memory');
    const captures = partialCaptures(dir);
    const frames = 200_000; // 20 MB, of which 3,000 frames wait
    const file = captureFile(dir, '1-1.pcapng');
    file.add(0, frames);
    await file.finish();
    captures.hear({ kind: 'ended', step: 0 });
    const memories = new Set<ArrayBufferLike>();
    const damages: string[] = [];
    const noting: PartialCaptures = {
      ...captures,
      async *read(path) {
        for await (const item of captures.read(path)) {
          if (item.kind === 'batch') memories.add(item.bytes.buffer);
          yield item;
        }
      },
    };
    const numbers = await numbersOf(noting, 0, damages, 3000);
    expect(numbers.findIndex((number, at) => number !== at)).toBe(-1);
    expect(numbers).toHaveLength(frames);
    expect(damages).toEqual([]);
    expect(memories.size).toBeLessThan(8);
  });

  it('are waited for step by step', async () => {
    const dir = folder('steps');
    const captures = partialCaptures(dir);
    const third = captures.capturesOfStep(2);
    captures.hear({ kind: 'ended', step: 0 });
    expect(await captures.capturesOfStep(0)).toEqual([]);
    expect(await Promise.race([third, sleep(20, 'waiting')])).toBe('waiting');
    writeFileSync(join(dir, 'raw', '3-1.pcapng'), '');
    captures.hear({ kind: 'begun', step: 2 });
    expect(await third).toEqual([join(dir, 'raw', '3-1.pcapng')]);
  });

  it('are whole when the run is over, and their counters are known then', async () => {
    const dir = folder('over');
    const captures = partialCaptures(dir);
    const counters = captures.counters();
    const file = captureFile(dir, '1-1.pcapng');
    file.add(0, 3);
    captures.hear({ kind: 'begun', step: 0 });
    const reading = numbersOf(captures, 0, []);
    await sleep(30);
    await file.finish();
    const reported = [{ a: { received: 3, dropped: 0, delivered: 3 } }];
    captures.hear({ kind: 'over', counters: reported });
    expect([await reading, await counters, await captures.capturesOfStep(5)]).toEqual([[0, 1, 2], reported, []]);
  });

  it('that end in the middle of a block are damaged', async () => {
    const dir = folder('cut');
    const captures = partialCaptures(dir);
    const damages: string[] = [];
    writeFileSync(join(dir, 'raw', '1-1.pcapng'), Buffer.from([0x0a, 0x0d, 0x0d, 0x0a, 28, 0]));
    captures.hear({ kind: 'begun', step: 0 });
    captures.hear({ kind: 'ended', step: 0 });
    expect(await numbersOf(captures, 0, damages)).toEqual([]);
    expect(damages).toEqual([expect.stringContaining('1-1.pcapng, offset')]);
  });
});
