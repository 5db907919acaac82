import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../../../src/core/pcap/capture-reader.js';
import { classic, epb, idb, option, rawBlock, shb, spb, u16, u32 } from '../../../support/pcap/blocks.js';
import { concat, damages, packets, readAll } from '../../../support/pcap/helpers.js';

const abc = Buffer.from('abc');
const head = concat(shb(), idb(), epb());
const bigHead = concat(shb({ big: true }), idb({ big: true }), epb({ big: true }));
const micro = 0xa1b2c3d4;
const onePacket = [{ seconds: 1, fraction: 2, data: abc }] as const;
const statistics = (id: number, options: Uint8Array): Uint8Array =>
  rawBlock(5, Buffer.concat([u32(id), u32(0), u32(0), options]));

const interfaces = (count: number): Uint8Array => concat(...Array.from({ length: count }, () => idb()));

interface Damaged {
  readonly name: string;
  readonly file: Uint8Array;
  /** Packets before the damage. */
  readonly before: number;
  readonly message: RegExp;
  /** Position of the damage. */
  readonly offset: number;
}

/** What begins wrongly. */
const instead = (name: string, message: RegExp, file: Uint8Array): Damaged => ({
  name,
  file,
  before: 0,
  message,
  offset: 0,
});
/** A file with a packet, behind which the first of these blocks is wrong. */
const behind = (name: string, message: RegExp, ...blocks: readonly Uint8Array[]): Damaged => ({
  name,
  file: concat(head, ...blocks),
  before: 1,
  message,
  offset: head.length,
});

const lengths = [
  0,
  1,
  3,
  4,
  8,
  11,
  13,
  14,
  15,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffc,
  0xffff_ffff,
  16 * 1024 * 1024 + 4,
];
const damaged: readonly Damaged[] = [
  instead('an empty file', /empty/, new Uint8Array(0)),
  instead('three bytes', /ends inside/, Uint8Array.of(0x0a, 0x0d, 0x0d)),
  instead('zeros', /neither pcap nor pcapng: it begins with 00000000/, new Uint8Array(1000)),
  instead('text', /neither/, Buffer.from('hello, world')),
  instead('gzip', /gzip/, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0)),
  instead('a modified pcap magic', /neither/, classic(0xa1b2cd34, false, onePacket)),
  ...lengths.map((length) => behind(`a block length of ${length}`, /claims \d+ bytes/, epb({ length }))),
  ...lengths.map((length) => ({
    name: `a big-endian block length of ${length}`,
    file: concat(bigHead, epb({ big: true, length })),
    before: 1,
    message: /claims \d+ bytes/,
    offset: bigHead.length,
  })),
  ...[0, 12, 0xffff_ffff].map((trailer) =>
    behind(`a closing length of ${trailer}`, /ends with another length/, epb({ trailer })),
  ),
  behind(
    'a block length that takes in the next block',
    /another length|claims/,
    epb({ length: 80, trailer: 40 }),
    epb(),
    epb(),
  ),
  behind('a section header with length 0', /claims 0 bytes/, shb({ length: 0 })),
  behind('a section header with a foreign magic', /byte-order magic/, shb({ magic: 0xdeadbeef })),
  behind('a section header too short', /too short/, rawBlock(0x0a0d0d0a, u32(0x1a2b3c4d))),
  behind('a section of version 2', /version 2/, shb({ major: 2 })),
  behind('a section option past its block', /option of a section/, shb({ options: option(1, abc, false, 999) })),
  behind('an interface too short', /too short/, rawBlock(1, u32(1))),
  behind(
    'an interface option past its block',
    /option of an interface/,
    idb({ options: option(2, abc, false, 0xffff) }),
  ),
  {
    ...behind('more interfaces than can be', /more than 65536 interfaces/, interfaces(65_536)),
    offset: head.length + 65_535 * 20,
  },
  {
    ...behind(
      'more interfaces than can be, over sections',
      /more than 65536 interfaces/,
      interfaces(40_000),
      shb(),
      interfaces(40_000),
    ),
    offset: head.length + 65_535 * 20 + 28,
  },
  behind('a packet of an interface that is not', /interface 1, of which the section has 1/, epb({ id: 1 })),
  behind('a packet of interface 2^32−1', /interface 4294967295/, epb({ id: 0xffff_ffff })),
  { ...behind('a packet of the section before', /of which the section has 0/, shb(), epb()), offset: head.length + 28 },
  ...[6, 9, 260_000, 262_144].map((captured) =>
    behind(`a packet that claims ${captured} of 5 bytes`, /claims \d+ bytes/, epb({ captured: captured + 3 })),
  ),
  ...[262_145, 0x7fff_ffff, 0xffff_fffd, 0xffff_ffff].map((captured) =>
    behind(`a packet that claims ${captured} bytes`, /more than 262144/, epb({ captured })),
  ),
  behind('a packet block too short', /too short/, rawBlock(6, u32(0))),
  behind('an obsolete packet block too short', /too short/, rawBlock(2, u32(0))),
  behind('a packet option past its block', /option of a packet/, epb({ options: option(1, abc, false, 50_000) })),
  behind(
    'options without end mark, then one past its block',
    /option of a packet/,
    epb({
      options: concat(...Array.from({ length: 5000 }, () => option(1, new Uint8Array(0))), option(1, abc, false, 9)),
    }),
  ),
  behind('a simple packet longer than its block', /simple packet claims 100/, spb(100, abc)),
  { ...behind('a simple packet without interface', /without interface/, shb(), spb(3, abc)), offset: head.length + 28 },
  behind('a simple packet without length', /without length/, rawBlock(3, new Uint8Array(0))),
  behind('statistics of an interface that is not', /statistics of interface 7/, statistics(7, new Uint8Array(0))),
  behind('statistics too short', /too short/, rawBlock(5, u32(0))),
  behind(
    'a statistics option past its block',
    /option of interface statistics/,
    statistics(0, option(4, abc, false, 99)),
  ),
  instead('classic version 7.4', /7\.4/, classic(micro, false, onePacket, [7, 4])),
  instead('classic version 2.3', /2\.3/, classic(micro, true, onePacket, [2, 3])),
  ...[262_145, 300_000_000, 0xffff_ffff].map((captured) => ({
    name: `a classic record that claims ${captured} bytes`,
    file: classic(micro, false, [...onePacket, { seconds: 1, fraction: 2, captured, data: abc }]),
    before: 1,
    message: /a record claims/,
    offset: 43,
  })),
  {
    name: 'a classic record that claims more than the file has',
    file: classic(micro, false, [...onePacket, { seconds: 1, fraction: 2, captured: 262_144, data: abc }]),
    before: 1,
    message: /ends inside/,
    offset: 43,
  },
  behind('a whole file, then garbage', /claims/, Buffer.from('garbage garbage garbage')),
  {
    name: 'a pcapng file behind a classic one',
    file: concat(classic(micro, false, onePacket), shb()),
    before: 1,
    message: /a record claims|ends inside/,
    offset: 43,
  },
];

describe('a damaged file', () => {
  it('comes in more than 60 kinds here', () => {
    expect(damaged.length).toBeGreaterThan(60);
  });

  it.each(damaged)('is told of, with what came before it: $name', ({ file, before, message, offset }) => {
    for (const chunkLength of file.length < 5000 ? [file.length, 1, 7] : [file.length, 4096]) {
      const items = readAll(file, chunkLength);
      expect(packets(items)).toHaveLength(before);
      expect(items.at(-1)).toMatchObject({ kind: 'damage', fatal: true, offset });
      expect(damages(items)).toHaveLength(1);
      expect(damages(items)[0]).toMatch(message);
    }
  });

  it.each([
    ['pcapng', [shb(), idb(), epb({ data: abc }), idb(), epb({ id: 1 })]],
    ['big-endian pcapng', [shb({ big: true }), idb({ big: true }), epb({ big: true }), epb({ big: true })]],
    [
      'classic pcap',
      [
        classic(micro, false, []),
        classic(micro, false, onePacket).subarray(24),
        classic(micro, false, onePacket).subarray(24),
      ],
    ],
  ] as const)('that is cut anywhere is taken for a whole one only where a block ends: %s', (_, parts) => {
    const file = concat(...parts);
    const whole = packets(readAll(file));
    const ends = parts.map((_part, i) => parts.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0));
    for (let end = 0; end <= file.length; end += 1) {
      const items = readAll(file.subarray(0, end), 9);
      const seen = packets(items);
      expect(seen).toEqual(whole.slice(0, seen.length));
      const start = Math.max(0, ...ends.filter((each) => each <= end));
      if (ends.includes(end)) expect(damages(items)).toEqual([]);
      else expect(items.at(-1)).toMatchObject({ kind: 'damage', fatal: true, offset: start });
    }
    expect(whole).toHaveLength(2);
  });

  it('with times that fit no 63 bits gives its packets and tells once', () => {
    const file = concat(head, epb({ high: 0xffff_ffff, low: 0xffff_ffff }), epb({ high: 0xffff_ffff }), epb());
    const items = readAll(file);
    expect(packets(items).map(({ timeNs }) => timeNs)).toEqual([7000n, 2n ** 63n - 1n, 2n ** 63n - 1n, 7000n]);
    expect(items.filter((item) => item.kind === 'damage')).toEqual([
      { kind: 'damage', offset: head.length, message: "a packet's time is not between 1970 and 2262", fatal: false },
    ]);
  });

  it('says nothing after its fatal damage', () => {
    expect(packets(readAll(concat(head, epb({ length: 0 }), head), 16))).toHaveLength(1);
  });

  it('mutated at random neither throws nor hangs, and what is delivered lies inside its bytes', () => {
    const seeds = [
      concat(head, epb({ options: option(2, u32(2)) }), statistics(0, option(4, new Uint8Array(8))), head),
      concat(bigHead, bigHead),
      classic(micro, true, [...onePacket, ...onePacket]),
      concat(head, rawBlock(2, Buffer.concat([u16(0), u16(0), u32(0), u32(5), u32(3), u32(3), abc]))),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(300), fc.oneof(fc.nat(255), fc.constantFrom(0, 255, 1, 4))), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 400 }),
        (seed, changes, chunkLength) => {
          const file = Uint8Array.from(seed);
          for (const [at, value] of changes) file[at % file.length] = value;
          const items = readAll(file, chunkLength);
          for (const item of items) {
            if (item.kind !== 'batch') continue;
            for (let i = 0; i < item.count; i += 1)
              expect((item.offset[i] ?? 0) + (item.captured[i] ?? 0)).toBeLessThanOrEqual(item.bytes.length);
          }
          expect(damages(items).length).toBeLessThanOrEqual(2);
          // Chunks make no difference.
          expect(packets(items)).toEqual(packets(readAll(file)));
          expect(damages(items)).toEqual(damages(readAll(file)));
        },
      ),
    );
  });

  it('of 192 MB that is one unknown block of the largest size after the other keeps memory bounded', () => {
    const before = process.memoryUsage().arrayBuffers;
    const block = rawBlock(0xbad, new Uint8Array(16 * 1024 * 1024 - 12));
    const reader = new CaptureReader();
    let most = 0;
    expect(reader.push(shb())).toHaveLength(1);
    for (let round = 0; round < 12; round += 1) {
      for (let at = 0; at < block.length; at += 1 << 20)
        expect(reader.push(block.subarray(at, at + (1 << 20)))).toEqual([]);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(reader.end()).toEqual([]);
    expect(most).toBeLessThan(128 * 1024 * 1024);
  });
});
