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

interface Damaged {
  readonly name: string;
  readonly file: Uint8Array;
  /** Packets before the damage. */
  readonly before: number;
  readonly message: RegExp;
  /** Position of the damage; default = behind the packets' head. */
  readonly offset?: number;
}

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
  { name: 'an empty file', file: new Uint8Array(0), before: 0, message: /empty/, offset: 0 },
  { name: 'three bytes', file: Uint8Array.of(0x0a, 0x0d, 0x0d), before: 0, message: /ends inside/, offset: 0 },
  {
    name: 'zeros',
    file: new Uint8Array(1000),
    before: 0,
    message: /neither pcap nor pcapng: it begins with 00000000/,
    offset: 0,
  },
  { name: 'text', file: Buffer.from('hello, world'), before: 0, message: /neither/, offset: 0 },
  { name: 'gzip', file: Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), before: 0, message: /gzip/, offset: 0 },
  {
    name: 'a modified pcap magic',
    file: classic(0xa1b2cd34, false, onePacket),
    before: 0,
    message: /neither/,
    offset: 0,
  },
  ...lengths.map((length) => ({
    name: `a block length of ${length}`,
    file: concat(head, epb({ length })),
    before: 1,
    message: /claims \d+ bytes/,
  })),
  ...lengths.map((length) => ({
    name: `a big-endian block length of ${length}`,
    file: concat(bigHead, epb({ big: true, length })),
    before: 1,
    message: /claims \d+ bytes/,
    offset: bigHead.length,
  })),
  ...[0, 12, 0xffff_ffff].map((trailer) => ({
    name: `a closing length of ${trailer}`,
    file: concat(head, epb({ trailer })),
    before: 1,
    message: /ends with another length/,
  })),
  {
    name: 'a block length that takes in the next block',
    file: concat(head, epb({ length: 80, trailer: 40 }), epb(), epb()),
    before: 1,
    message: /another length|claims/,
  },
  {
    name: 'a section header with length 0',
    file: concat(head, shb({ length: 0 })),
    before: 1,
    message: /claims 0 bytes/,
  },
  {
    name: 'a section header with a foreign magic',
    file: concat(head, shb({ magic: 0xdeadbeef })),
    before: 1,
    message: /byte-order magic/,
  },
  {
    name: 'a section header too short',
    file: concat(head, rawBlock(0x0a0d0d0a, u32(0x1a2b3c4d))),
    before: 1,
    message: /too short/,
  },
  { name: 'a section of version 2', file: concat(head, shb({ major: 2 })), before: 1, message: /version 2/ },
  {
    name: 'a section option past its block',
    file: concat(head, shb({ options: option(1, abc, false, 999) })),
    before: 1,
    message: /option of a section/,
  },
  { name: 'an interface too short', file: concat(head, rawBlock(1, u32(1))), before: 1, message: /too short/ },
  {
    name: 'an interface option past its block',
    file: concat(head, idb({ options: option(2, abc, false, 0xffff) })),
    before: 1,
    message: /option of an interface/,
  },
  {
    name: 'more interfaces than can be',
    file: concat(head, ...Array.from({ length: 65_536 }, () => idb())),
    before: 1,
    message: /more than 65536 interfaces/,
    offset: head.length + 65_535 * 20,
  },
  {
    name: 'more interfaces than can be, over sections',
    file: concat(
      head,
      ...Array.from({ length: 40_000 }, () => idb()),
      shb(),
      ...Array.from({ length: 40_000 }, () => idb()),
    ),
    before: 1,
    message: /more than 65536 interfaces/,
    offset: head.length + 65_535 * 20 + 28,
  },
  {
    name: 'a packet of an interface that is not',
    file: concat(head, epb({ id: 1 })),
    before: 1,
    message: /interface 1, of which the section has 1/,
  },
  {
    name: 'a packet of interface 2^32−1',
    file: concat(head, epb({ id: 0xffff_ffff })),
    before: 1,
    message: /interface 4294967295/,
  },
  {
    name: 'a packet of the section before',
    file: concat(head, shb(), epb()),
    before: 1,
    message: /of which the section has 0/,
    offset: head.length + 28,
  },
  ...[6, 9, 260_000, 262_144].map((captured) => ({
    name: `a packet that claims ${captured} of 5 bytes`,
    file: concat(head, epb({ captured: captured + 3 })),
    before: 1,
    message: /claims \d+ bytes/,
  })),
  ...[262_145, 0x7fff_ffff, 0xffff_fffd, 0xffff_ffff].map((captured) => ({
    name: `a packet that claims ${captured} bytes`,
    file: concat(head, epb({ captured })),
    before: 1,
    message: /more than 262144/,
  })),
  { name: 'a packet block too short', file: concat(head, rawBlock(6, u32(0))), before: 1, message: /too short/ },
  {
    name: 'an obsolete packet block too short',
    file: concat(head, rawBlock(2, u32(0))),
    before: 1,
    message: /too short/,
  },
  {
    name: 'a packet option past its block',
    file: concat(head, epb({ options: option(1, abc, false, 50_000) })),
    before: 1,
    message: /option of a packet/,
  },
  {
    name: 'options without end mark, then one past its block',
    file: concat(
      head,
      epb({
        options: concat(...Array.from({ length: 5000 }, () => option(1, new Uint8Array(0))), option(1, abc, false, 9)),
      }),
    ),
    before: 1,
    message: /option of a packet/,
  },
  {
    name: 'a simple packet longer than its block',
    file: concat(head, spb(100, abc)),
    before: 1,
    message: /simple packet claims 100/,
  },
  {
    name: 'a simple packet without interface',
    file: concat(head, shb(), spb(3, abc)),
    before: 1,
    message: /without interface/,
    offset: head.length + 28,
  },
  {
    name: 'a simple packet without length',
    file: concat(head, rawBlock(3, new Uint8Array(0))),
    before: 1,
    message: /without length/,
  },
  {
    name: 'statistics of an interface that is not',
    file: concat(head, statistics(7, new Uint8Array(0))),
    before: 1,
    message: /statistics of interface 7/,
  },
  { name: 'statistics too short', file: concat(head, rawBlock(5, u32(0))), before: 1, message: /too short/ },
  {
    name: 'a statistics option past its block',
    file: concat(head, statistics(0, option(4, abc, false, 99))),
    before: 1,
    message: /option of interface statistics/,
  },
  {
    name: 'classic version 7.4',
    file: classic(micro, false, onePacket, [7, 4]),
    before: 0,
    message: /7\.4/,
    offset: 0,
  },
  { name: 'classic version 2.3', file: classic(micro, true, onePacket, [2, 3]), before: 0, message: /2\.3/, offset: 0 },
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
  {
    name: 'a whole file, then garbage',
    file: concat(head, Buffer.from('garbage garbage garbage')),
    before: 1,
    message: /claims/,
  },
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
      expect(items.at(-1)).toMatchObject({ kind: 'damage', fatal: true, offset: offset ?? head.length });
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
