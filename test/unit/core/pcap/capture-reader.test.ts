import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classicWithPcapParser } from '../../../../src/core/pcap/classic/with-pcap-parser.js';
import { classicHeader, classicRecord } from '../../../../src/core/pcap/classic/writer.js';
import { readPacketOptions } from '../../../../src/core/pcap/pcapng/options.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../../../src/core/pcap/pcapng/writer.js';
import { escapeText } from '../../../../src/core/text/escape.js';
import { classic, epb, idb, option, rawBlock, shb, spb, u16, u32 } from '../../../support/pcap/blocks.js';
import { batches, concat, damages, packets, readAll } from '../../../support/pcap/helpers.js';

const directions = fc.constantFrom(0 as const, 1 as const, 2 as const);
const packetArb = fc.record({
  interfaceId: fc.nat(2),
  timeNs: fc.bigInt(0n, 2n ** 63n - 1n),
  more: fc.nat(2000),
  data: fc.uint8Array({ maxLength: 300 }),
  direction: directions,
  packetId: fc.option(fc.bigInt(0n, 2n ** 64n - 1n)),
  comments: fc.array(fc.string({ maxLength: 20, unit: 'grapheme' }), { maxLength: 2 }),
});
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the capture reader', () => {
  it('gives back what the pcapng writer took, in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(packetArb, { maxLength: 30 }), fc.integer({ min: 1, max: 3000 }), (list, chunkLength) => {
        const file = concat(
          sectionHeader({}),
          ...['a', 'b', 'c'].map((name) => interfaceDescription({ name, snaplen: 0 })),
          ...list.map((packet) => enhancedPacket({ ...packet, originalLength: packet.data.length + packet.more })),
        );
        const items = readAll(file, chunkLength);
        expect(damages(items)).toEqual([]);
        expect(packets(items)).toEqual(
          list.map(({ interfaceId, timeNs, more, data, direction }) => ({
            interfaceId,
            timeNs,
            original: data.length + more,
            direction,
            data: hex(data),
          })),
        );
        const options = batches(items).flatMap((batch) =>
          Array.from({ length: batch.count }, (_, i) => readPacketOptions(batch, i)),
        );
        expect(options).toEqual(
          list.map(({ packetId, comments }) => ({ packetId, comments: comments.map(escapeText) })),
        );
      }),
    );
  });

  it('gives back what the classic writer took, in chunks of any size', () => {
    const record = fc.record({
      timeNs: fc.bigInt(0n, 4_294_967_295_999_999_999n),
      more: fc.nat(2000),
      data: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('micro' as const, 'nano' as const),
        fc.array(record, { maxLength: 30 }),
        fc.integer({ min: 1, max: 3000 }),
        (resolution, list, chunkLength) => {
          const file = concat(
            classicHeader(resolution, 262_144),
            ...list.map(({ timeNs, more, data }) =>
              classicRecord(resolution, { timeNs, originalLength: data.length + more, data }),
            ),
          );
          const items = readAll(file, chunkLength);
          expect(items.slice(0, 2)).toMatchObject([
            { kind: 'section', format: `pcap-${resolution}` },
            { kind: 'interface', id: 0, linkType: 1, snaplen: 262_144 },
          ]);
          expect(damages(items)).toEqual([]);
          const unit = resolution === 'nano' ? 1n : 1000n;
          expect(packets(items)).toEqual(
            list.map(({ timeNs, more, data }) => ({
              interfaceId: 0,
              timeNs: (timeNs / unit) * unit,
              original: data.length + more,
              direction: 0,
              data: hex(data),
            })),
          );
        },
      ),
    );
  });

  it('says the same of a classic capture as pcap-parser', () => {
    const record = fc.record({
      timeNs: fc.bigInt(0n, 4_294_967_295_999_999_999n),
      data: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 20 }),
        fc.integer({ min: 1, max: 500 }),
        fc.boolean(),
        (list, chunkLength, big) => {
          const file = classic(
            0xa1b2c3d4,
            big,
            list.map(({ timeNs, data }) => ({
              seconds: Number(timeNs / 1_000_000_000n),
              fraction: Number((timeNs % 1_000_000_000n) / 1000n),
              data,
            })),
          );
          const chunks = Array.from({ length: Math.ceil(file.length / chunkLength) }, (_, i) =>
            file.subarray(i * chunkLength, (i + 1) * chunkLength),
          );
          const second = classicWithPcapParser(chunks);
          expect(second).toMatchObject({ fault: null, linkType: 1, snaplen: 65_535 });
          expect(packets(readAll(file, chunkLength))).toEqual(
            second.records.map(({ timeNs, originalLength, data }) => ({
              interfaceId: 0,
              timeNs,
              original: originalLength,
              direction: 0,
              data: hex(data),
            })),
          );
        },
      ),
    );
  });

  it.each([
    ['µs, little', 0xa1b2c3d4, false, 123_456_000n],
    ['µs, big', 0xa1b2c3d4, true, 123_456_000n],
    ['ns, little', 0xa1b23c4d, false, 123_456n],
    ['ns, big', 0xa1b23c4d, true, 123_456n],
  ] as const)('knows classic pcap in %s', (_, magic, big, fractionNs) => {
    const items = readAll(
      classic(magic, big, [{ seconds: 4_000_000_000, fraction: 123_456, data: Buffer.from('abc') }]),
    );
    expect(items[0]).toMatchObject({ byteOrder: big ? 'big' : 'little' });
    expect(packets(items)).toEqual([
      { interfaceId: 0, timeNs: 4_000_000_000_000_000_000n + fractionNs, original: 4, direction: 0, data: '616263' },
    ]);
  });

  it('counts interfaces over sections, each in its own byte order', () => {
    const section = (big: boolean): Uint8Array =>
      concat(shb({ big }), idb({ big }), idb({ big }), epb({ big, id: 1, options: option(2, u32(2, big), big) }));
    const items = readAll(concat(section(false), section(true), section(false)));
    expect(items.flatMap((item) => (item.kind === 'interface' ? [item.id] : []))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(packets(items).map(({ interfaceId, direction }) => [interfaceId, direction])).toEqual([
      [1, 2],
      [3, 2],
      [5, 2],
    ]);
    expect(batches(items).map(({ firstFrame }) => firstFrame)).toEqual([1, 2, 3]);
    expect(damages(items)).toEqual([]);
  });

  it('reads simple and obsolete packet blocks, and steps over what it does not know', () => {
    const obsolete = rawBlock(
      2,
      Buffer.concat([u16(0), u16(9), u32(0), u32(5), u32(3), u32(30), Buffer.from('xyz\0')]),
    );
    const items = readAll(
      concat(
        shb(),
        idb({ snaplen: 4 }),
        rawBlock(4, Buffer.from('names...')),
        spb(10, Buffer.from('abcd')),
        rawBlock(0xbad, new Uint8Array(1000)),
        obsolete,
        epb(),
      ),
      13,
    );
    expect(packets(items)).toEqual([
      { interfaceId: 0, timeNs: 0n, original: 10, direction: 0, data: hex(Buffer.from('abcd')) },
      { interfaceId: 0, timeNs: 5000n, original: 30, direction: 0, data: hex(Buffer.from('xyz')) },
      { interfaceId: 0, timeNs: 7000n, original: 5, direction: 0, data: hex(Buffer.from('abcde')) },
    ]);
    expect(damages(items)).toEqual([]);
  });

  it.each([
    [6, 0, 1_764_000_000_123_456n, 1_764_000_000_123_456_000n],
    [9, 0, 1_764_000_000_123_456_789n, 1_764_000_000_123_456_789n],
    [3, 0, 1_764_000_000_123n, 1_764_000_000_123_000_000n],
    [0, 0, 1_764_000_000n, 1_764_000_000_000_000_000n],
    [0x80 + 32, 0, (5n << 32n) + (1n << 31n), 5_500_000_000n],
    [12, 0, 7_000_000_000_123n, 7_000_000_000n],
    [9, 3, 5n, 3_000_000_005n],
    [6, -1, 2_000_000n, 1_000_000_000n],
  ])('reads times of resolution %i with an offset of %i s', (resolution, offset, units, ns) => {
    const seconds = Buffer.alloc(8);
    seconds.writeBigInt64LE(BigInt(offset));
    const items = readAll(
      concat(
        shb(),
        idb({ options: concat(option(9, Uint8Array.of(resolution)), option(14, seconds)) }),
        epb({ high: Number(units >> 32n), low: Number(units & 0xffff_ffffn) }),
      ),
    );
    expect(packets(items)[0]?.timeNs).toBe(ns);
  });

  it('tells where in the file a packet is', () => {
    const file = concat(shb(), idb(), epb({ data: Buffer.from('first') }), epb({ data: Buffer.from('second') }));
    for (const chunkLength of [1, 7, 50, 1000]) {
      const found = batches(readAll(file, chunkLength)).flatMap((batch) =>
        Array.from({ length: batch.count }, (_, i) => batch.fileOffset + (batch.offset[i] ?? 0)),
      );
      expect(found).toEqual([Buffer.from(file).indexOf('first'), Buffer.from(file).indexOf('second')]);
    }
  });

  it('points into the chunk where a packet lies inside it', () => {
    const file = concat(shb(), idb(), epb(), epb());
    expect(batches(readAll(file))[0]?.bytes.buffer).toBe(file.buffer);
  });
});

describe('pcap-parser behind its guard', () => {
  const whole = classic(0xa1b2c3d4, false, [
    { seconds: 1, fraction: 2, data: Buffer.from('abc') },
    { seconds: 1, fraction: 3, data: Buffer.from('defg') },
  ]);
  it('does not take a cut file for a whole one, wherever it is cut', () => {
    for (let end = 0; end < whole.length; end += 1) {
      const boundary = end === 24 || end === 24 + 19;
      expect(classicWithPcapParser([whole.subarray(0, end)]).fault === null).toBe(boundary);
    }
  });
  it.each([
    [
      'a huge captured length',
      classic(0xa1b2c3d4, false, [{ seconds: 1, fraction: 2, captured: 300_000_000, data: Buffer.from('abc') }]),
      /300000000/,
    ],
    ['version 7.4', classic(0xa1b2c3d4, false, [], [7, 4]), /7\.4/],
    ['nanoseconds', classic(0xa1b23c4d, false, []), /µs/],
    ['pcapng', shb(), /µs/],
  ])('refuses %s', (_, file, fault) => {
    expect(classicWithPcapParser([file]).fault).toMatch(fault);
  });
});
