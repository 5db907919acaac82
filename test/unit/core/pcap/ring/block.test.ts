import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CaptureItem } from '../../../../../src/core/pcap/capture-items.js';
import { ringInterfaceBlock } from '../../../../../src/core/pcap/ring/block.js';
import { batches, concat, damages, packets, readAll } from '../../../../support/pcap/helpers.js';
import { ringBlock, head, macs } from '../../../../support/pcap/ring-capture.js';

/** What a raw capture has; its bytes may be changed, so a copy is read. */
function readRaw(file: Uint8Array, chunkLength = file.length): readonly CaptureItem[] {
  return readAll(file.slice(), chunkLength, { raw: true });
}

describe('a raw capture with blocks of a ring', () => {
  const two = concat(
    head,
    ringBlock([
      { index: 17, data: `${macs}88b501`, seconds: 1_764_000_000, nanoseconds: 999_999_999, original: 1500 },
      { index: 5, packetType: 0, data: `${macs}88b502`, seconds: 1_764_000_001 },
      { index: 17, packetType: 3, data: `${macs}88b50304`, seconds: 1_764_000_001, nanoseconds: 1 },
    ]),
    ringBlock([]),
    ringBlock([{ index: 5, data: `${macs}88b5`, seconds: 4_294_967, nanoseconds: 295_999_999 }]),
  );

  it.each([1, 7, 100, 1 << 20])(
    'gives its frames with interface, time, length and direction: chunks of %i bytes',
    (chunkLength) => {
      const items = readRaw(two, chunkLength);
      expect(damages(items)).toEqual([]);
      expect(packets(items)).toEqual([
        { interfaceId: 0, timeNs: 1_764_000_000_999_999_999n, original: 1500, direction: 2, data: `${macs}88b501` },
        { interfaceId: 1, timeNs: 1_764_000_001_000_000_000n, original: 15, direction: 1, data: `${macs}88b502` },
        { interfaceId: 0, timeNs: 1_764_000_001_000_000_001n, original: 16, direction: 1, data: `${macs}88b50304` },
        { interfaceId: 1, timeNs: 4_294_967_295_999_999n, original: 14, direction: 2, data: `${macs}88b5` },
      ]);
    },
  );

  it('puts back the tag that the kernel holds aside', () => {
    const items = readRaw(
      concat(
        head,
        ringBlock([
          { index: 17, packetType: 0, data: `${macs}88b501`, tag: [0x88a8, 0x2064] },
          { index: 17, packetType: 0, data: `${macs}88b502`, tag: [null, 7] },
        ]),
      ),
    );
    expect(packets(items)).toMatchObject([
      { data: `${macs}88a8206488b501`, original: 19 },
      { data: `${macs}8100000788b502`, original: 19 },
    ]);
  });

  it('is a pcapng file to others, which pass over these blocks', () => {
    expect(damages(readAll(two))).toEqual([]);
    expect(batches(readAll(two))).toEqual([]);
  });

  const frames = ringBlock([
    { index: 17, data: `${macs}88b501` },
    { index: 17, data: `${macs}88b502` },
  ]);
  /** `one` with another 32-bit word. */
  function with32(at: number, value: number): Uint8Array {
    const bytes = frames.slice();
    new DataView(bytes.buffer).setUint32(at, value, true);
    return bytes;
  }

  it.each([
    ['frames of an interface that it does not name', ringBlock([{ index: 6, data: macs }]), "kernel's interface 6"],
    ['more frames than its block', with32(12, 3), 'frame 2 of 3 takes 0 bytes'],
    ['a first frame outside of its block', with32(16, 4000), 'ends before frame 1 of 2'],
    ['a frame that is longer than its block', with32(48 + 12, 500), 'claims 500 bytes'],
    ['a frame behind the end of its block', with32(48, 200), 'ends before frame 2 of 2'],
    ['more bytes than its block has', with32(20, 9000), 'claims 9000 bytes, of which it has 4092'],
    ['frames that overlap', with32(48, 8), 'frame 1 of 2 takes 8 bytes'],
    ['a name for an interface that it has not', ringInterfaceBlock(2, 6), 'interface 2 of a ring'],
    [
      'a block too short for its fields',
      Uint8Array.from([2, 0x56, 0, 0x80, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0]),
      'too short for its fields',
    ],
    [
      'a name too short for its fields',
      Uint8Array.from([1, 0x56, 0, 0x80, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0]),
      'too short for its fields',
    ],
  ])('tells as damage %s', (_, block, message) => {
    const items = readRaw(concat(two, block, frames));
    expect(damages(items)).toEqual([expect.stringContaining(message)]);
    expect(items.at(-1)).toMatchObject({ kind: 'damage', fatal: true, offset: two.length });
    expect(packets(items).slice(0, 4)).toEqual(packets(readRaw(two)));
  });

  it('changed at random neither throws nor hangs, and chunks make no difference', () => {
    const seed = concat(
      head,
      ringBlock([
        { index: 17, packetType: 0, data: `${macs}88b501`, tag: [null, 7] },
        { index: 5, data: `${macs}88b5` },
      ]),
      frames,
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(seed.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 255, 1, 4, 17))), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 400 }),
        (changes, chunkLength) => {
          const file = seed.slice();
          for (const [at, value] of changes) file[at] = value;
          const items = readRaw(file, chunkLength);
          for (const item of batches(items))
            for (let i = 0; i < item.count; i += 1)
              expect((item.offset[i] ?? 0) + (item.captured[i] ?? 0)).toBeLessThanOrEqual(item.bytes.length);
          expect(packets(items)).toEqual(packets(readRaw(file)));
          expect(damages(items)).toEqual(damages(readRaw(file)));
        },
      ),
    );
  });
});
