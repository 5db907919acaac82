import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readU32 } from '../../../../../src/core/wire/bytes.js';
import { CaptureFile } from '../../../../../src/system/capture/capture-file.js';
import { readRawFrames } from '../../../../../src/system/evidence/collate/raw-frames.js';
import { frameOf } from '../../../../support/pcap/taken-frame.js';

const blocks = ['a', 'b'].map((name, observer) => ({ step: 0, observer, name, description: `${name} (guest)` }));
let dir = '';

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'raw-frames-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A capture of one observer with a frame for each time, in µs; its first bytes are the time. */
async function capture(name: string, observer: string, times: Iterable<number>): Promise<string> {
  const path = join(dir, name);
  const file = new CaptureFile({ path, fd: null, runTag: null, only: 'all', most: null, application: 'test' });
  const id = file.addInterface({ name: observer, description: `${observer} (guest)`, filter: '', snaplen: 2048 });
  const frame = Buffer.alloc(60);
  for (const time of times) {
    frame.writeUInt32BE(time);
    file.addFrame(id, frameOf(frame, 1_764_000_000 + Math.floor(time / 1e6), (time % 1e6) * 1000));
  }
  await file.finish(new Map());
  return path;
}

async function timesOf(
  paths: readonly string[],
  together?: number,
): Promise<{
  readonly times: readonly number[];
  readonly observers: ReadonlySet<number>;
  readonly most: number;
  readonly damages: readonly string[];
}> {
  const damages: string[] = [];
  const times: number[] = [];
  const observers = new Set<number>();
  let most = 0;
  for await (const frames of readRawFrames(paths, { blocks, damages, clocks: new Map(), together })) {
    most = Math.max(most, frames.count);
    frames.each((batch, packet, interfaceId) => {
      observers.add(interfaceId);
      times.push(readU32(batch.bytes, batch.offset[packet] ?? 0));
    });
  }
  return { times, observers, most, damages };
}

it('frames of several captures come in the order of their times', async () => {
  const first = await capture('1-1.pcapng', 'a', [1, 4, 9, 12, 11]);
  const second = await capture('1-2.pcapng', 'b', [2, 3, 10, 30]);
  const { times, observers, damages } = await timesOf([first, second]);
  expect(times).toEqual([1, 2, 3, 4, 9, 10, 11, 12, 30]);
  expect([...observers].sort()).toEqual([0, 1]);
  expect(damages).toEqual([]);
});

it('more frames than are sorted together come in parts, in order all the same', async () => {
  const count = 40_000;
  // Every block of a hundred is behind the one after it, as where one ring was read after another.
  const times = Array.from({ length: count }, (_, at) => (at % 200 < 100 ? at + 100 : at - 100));
  const { times: seen, most } = await timesOf([await capture('2-1.pcapng', 'a', times)], 10_000);
  expect(most).toBeLessThan(count);
  expect(seen.length).toBe(count);
  expect(seen.every((time, at) => time === at)).toBe(true);
});

it('an observer that the plan does not know has no place, and a capture that is cut off is told', async () => {
  const { observers, times, damages } = await timesOf([
    await capture('3-1.pcapng', 'nobody', [1, 2]),
    join(dir, 'missing.pcapng'),
  ]);
  expect([...observers]).toEqual([-1]);
  expect(times).toEqual([1, 2]);
  expect(damages).toEqual([expect.stringContaining('missing.pcapng, offset 0')]);
});

describe('raw captures of several hosts', () => {
  it('have observers of their own host alone', async () => {
    const path = await capture('4-1.pcapng', 'a', [1, 2]);
    const misplaced: string[] = [];
    const heard = async (name: string, host: string | null): Promise<ReadonlySet<number>> => {
      const found = new Set<number>();
      const reading = {
        blocks: blocks.map((block) => ({ ...block, name })),
        damages: [],
        clocks: new Map<string, bigint>(),
        hosts: new Map(host === null ? [] : [[basename(path), host]]),
        onMisplaced: (text: string) => void misplaced.push(text),
      };
      for await (const frames of readRawFrames([path], reading)) frames.each((_, __, id) => found.add(id));
      return found;
    };
    expect(await heard('hv2/vnet0', 'hv2')).toEqual(new Set([0]));
    expect(await heard('vnet0', null)).toEqual(new Set([0]));
    expect(misplaced).toEqual([]);
    expect(await heard('vnet0', 'hv2')).toEqual(new Set([-1]));
    expect(await heard('hv3/vnet0', 'hv2')).toEqual(new Set([-1]));
    expect(misplaced).toEqual(
      Array(2).fill(expect.stringMatching(/^hv2 sent frames as those of .*, which is not there$/)),
    );
  });

  /** Observer and time in ms of each frame, where one host's clock is so many ns ahead. */
  async function reported(clocks: ReadonlyMap<string, bigint>): Promise<readonly string[]> {
    const ms = (times: readonly number[]): readonly number[] => times.map((time) => time * 1000);
    const paths = [
      await capture(`here-${clocks.size}-${[...clocks.keys()].join()}.pcapng`, 'a', ms([1000, 1010, 1020])),
      await capture(`there-${[...clocks.keys()].join()}.pcapng`, 'b', ms([6005, 6015])),
    ];
    const named = new Map([...clocks].map(([name, ns]) => [basename(paths[name === 'here' ? 0 : 1] ?? ''), ns]));
    const seen: string[] = [];
    for await (const frames of readRawFrames(paths, { blocks, damages: [], clocks: named })) {
      frames.each((batch, packet, interfaceId) => {
        seen.push(
          `${blocks[interfaceId]?.name ?? ''} ${Number((batch.timeNs[packet] ?? 0n) - 1_764_000_000_000_000_000n) / 1e6}`,
        );
      });
    }
    return seen;
  }

  it('stand in the order of one clock, the other host\u2019s offset taken off', async () => {
    expect(await reported(new Map([['there', 5_000_000_000n]]))).toEqual([
      'a 1000',
      'b 1005',
      'a 1010',
      'b 1015',
      'a 1020',
    ]);
  });

  it('take a clock that is behind just as well', async () => {
    expect(await reported(new Map([['here', -5_000_000_000n]]))).toEqual([
      'a 6000',
      'b 6005',
      'a 6010',
      'b 6015',
      'a 6020',
    ]);
  });
});
