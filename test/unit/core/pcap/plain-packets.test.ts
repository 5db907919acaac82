import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CaptureItem } from '../../../../src/core/pcap/capture-items.js';
import { batchCapacity } from '../../../../src/core/pcap/batch-builder.js';
import { CaptureReader } from '../../../../src/core/pcap/capture-reader.js';
import { epb, idb, option, rawBlock, shb, u32 } from '../../../support/pcap/blocks.js';
import { batches, concat, packets } from '../../../support/pcap/helpers.js';

const inNs = option(9, Uint8Array.of(9));
const flags = option(2, u32(2));

/** The items of a file that is pushed whole, its bytes `shift` bytes behind a word's begin. */
function itemsAt(file: Uint8Array, shift: number): readonly CaptureItem[] {
  const bytes = new Uint8Array(new ArrayBuffer(file.length + 8), shift, file.length);
  bytes.set(file);
  const reader = new CaptureReader();
  return [...reader.push(bytes), ...reader.end()];
}

/** What a reader of batches can tell from them. */
function reportOf(items: readonly CaptureItem[]): readonly unknown[] {
  return items.map((item) =>
    item.kind !== 'batch'
      ? item
      : {
          packets: packets([item]),
          at: Array.from(item.offset, (offset) => item.fileOffset + offset),
          options: Array.from(item.optionsLength),
          optionsAt: Array.from(item.optionsAt),
          first: item.firstFrame,
          order: item.byteOrder,
        },
  );
}

const blockArb = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        id: fc.nat(3),
        high: fc.oneof(fc.constant(0x1878_0000), fc.nat(), fc.constant(0x8000_0000)),
        low: fc.integer({ min: 0, max: 0xffff_ffff }),
        data: fc.uint8Array({ maxLength: 90 }),
        options: fc.constantFrom(
          new Uint8Array(0),
          flags,
          concat(flags, option(5, new Uint8Array(8)), u32(0)),
          concat(option(1, Buffer.from('comment')), flags),
          option(2, u32(3)),
          u32(0),
          option(2, new Uint8Array(2)),
          flags.subarray(0, 4),
        ),
      })
      .map((shape) => epb(shape)),
  },
  fc.constantFrom(
    shb(),
    shb({ big: true }),
    idb(),
    idb({ options: inNs }),
    rawBlock(0xbad, new Uint8Array(5)),
    epb({ big: true }),
  ),
);

describe('plain packet blocks, which are read as words', () => {
  it('say the same as those that are read field by field, also where an byte is another', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(blockArb, { maxLength: 12 }),
        fc.array(change, { maxLength: 2 }),
        fc.nat(40),
        (blocks, changes, cut) => {
          const file = concat(shb(), idb({ options: inNs }), idb(), idb({ options: inNs }), ...blocks);
          for (const [at, value] of changes) file[at % file.length] = value;
          const whole = file.subarray(0, file.length - (cut > 20 ? 0 : cut));
          expect(reportOf(itemsAt(whole, 0))).toEqual(reportOf(itemsAt(whole, 1)));
        },
      ),
    );
  });

  it('fill one batch after the other', () => {
    const file = concat(
      shb(),
      idb({ options: inNs }),
      ...Array.from({ length: 2 * batchCapacity + 5 }, (_, i) => epb({ low: i })),
    );
    for (const shift of [0, 1]) {
      const found = batches(itemsAt(file, shift));
      expect(found.map(({ count, firstFrame }) => [count, firstFrame])).toEqual([
        [batchCapacity, 1],
        [batchCapacity, batchCapacity + 1],
        [5, 2 * batchCapacity + 1],
      ]);
      expect(packets(found).map(({ timeNs }) => Number(timeNs))).toEqual(
        Array.from({ length: 2 * batchCapacity + 5 }, (_, i) => i),
      );
    }
  });
});
