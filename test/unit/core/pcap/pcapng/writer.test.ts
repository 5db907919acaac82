import { describe, expect, it } from 'vitest';
import { readPacketOptions, textBytes } from '../../../../../src/core/pcap/pcapng/options.js';
import {
  blockBuffer,
  type PacketHead,
  packetBlockLength,
  writePacketBlock,
} from '../../../../../src/core/pcap/pcapng/packet-block.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../../../../src/core/pcap/pcapng/writer.js';
import { batches, concat, packets, readAll } from '../../../../support/pcap/helpers.js';
import { frame, timeNs, file } from '../../../../support/pcap/written-file.js';

/** A packet of interface 3, of these bytes whole. */
function head({
  bytes,
  original = bytes.length,
  direction = 1,
}: Pick<PacketHead, 'bytes'> & Partial<PacketHead>): PacketHead {
  return {
    interfaceId: 3,
    timeHigh: Number(timeNs >> 32n),
    timeLow: Number(timeNs & 0xffff_ffffn),
    bytes,
    from: 0,
    captured: bytes.length,
    original,
    direction,
  };
}

describe('a pcapng file', () => {
  it('has whole blocks of 4-byte words', () => {
    // Interface Description Block: type, length, LINKTYPE_ETHERNET, reserved, snaplen, if_name "a", if_tsresol 9, end
    // of options, length
    expect(Buffer.from(interfaceDescription({ name: 'a', snaplen: 96 })).toString('hex')).toBe(
      '01000000' +
        '28000000' +
        '0100' +
        '0000' +
        '60000000' +
        '02000100' +
        '61000000' +
        '09000100' +
        '09000000' +
        '00000000' +
        '28000000',
    );
  });

  it('reads back as written', () => {
    const items = readAll(file);
    expect(items.filter((item) => item.kind !== 'batch')).toEqual([
      {
        kind: 'section',
        format: 'pcapng',
        byteOrder: 'little',
        hardware: 'x86_64',
        os: 'Linux 6.18',
        application: 'verify-isolation',
        comments: ['a run'],
      },
      {
        kind: 'interface',
        id: 0,
        name: 'vnet0',
        description: 'kali2',
        linkType: 1,
        snaplen: 128,
        filter: 'ether proto 0x88b5',
      },
      { kind: 'interface', id: 1, name: '$(id);é', description: null, linkType: 1, snaplen: 0, filter: null },
      {
        kind: 'statistics',
        interfaceId: 0,
        received: 7n,
        dropped: 2n,
        delivered: 5n,
        startNs: timeNs,
        endNs: timeNs + 3n,
      },
    ]);
    const data = Buffer.from(frame).toString('hex');
    expect(packets(items)).toEqual([
      { interfaceId: 1, timeNs, original: 1500, direction: 2, data },
      { interfaceId: 0, timeNs: timeNs + 1n, original: 61, direction: 1, data },
      { interfaceId: 0, timeNs: timeNs + 2n, original: 3, direction: 0, data: data.slice(0, 6) },
    ]);
    const batch = batches(items)[0];
    expect(batch && [0, 1, 2].map((i) => readPacketOptions(batch, i))).toEqual([
      { packetId: 77n, comments: ['leak: kali2 → lan', 'second'] },
      { packetId: null, comments: [] },
      { packetId: null, comments: [] },
    ]);
  });

  it('cuts text to what an option holds, at a character, and has nothing that a terminal would act on', () => {
    const [, first, second] = readAll(
      concat(
        sectionHeader({}),
        interfaceDescription({ name: 'é'.repeat(40_000), snaplen: 0 }),
        interfaceDescription({ name: 'a\0b', snaplen: 0 }),
      ),
    );
    expect(first).toMatchObject({ name: 'é'.repeat(32_767) });
    expect(second).toMatchObject({ name: 'a\\u{0}b' });
  });

  it.each([0, 1, 2, 3, 60, 95, 96, 97, 1514])('has the same packet block from the fast writer: %i bytes', (length) => {
    const data = new Uint8Array(length).map((_, i) => i);
    const buffer = blockBuffer(packetBlockLength(length) + 8);
    buffer.bytes.fill(0xee);
    const end = writePacketBlock(buffer, 4, head({ bytes: data, original: length + 1, direction: 2 }));
    expect(end).toBe(4 + packetBlockLength(length));
    expect(buffer.bytes.slice(4, end)).toEqual(
      enhancedPacket({ interfaceId: 3, timeNs, originalLength: length + 1, data, direction: 2 }),
    );
    expect(() => writePacketBlock(buffer, 9, head({ bytes: data, direction: 2 }))).toThrow(RangeError);
  });

  it.each([0, 7, 2 ** 32 + 5])('has the same packet block with id %i from the fast writer', (packetId) => {
    const data = new Uint8Array(61).map((_, i) => i);
    const buffer = blockBuffer(packetBlockLength(61, packetId));
    const end = writePacketBlock(buffer, 0, head({ bytes: data }), packetId);
    expect(buffer.bytes.slice(0, end)).toEqual(
      enhancedPacket({ interfaceId: 3, timeNs, originalLength: 61, data, direction: 1, packetId: BigInt(packetId) }),
    );
  });

  it.each(['a', 'four', 'LEAK probe 7 kali2→lan', '\u001b[2J'])(
    'has the same packet block with the comment %j from the fast writer',
    (comment) => {
      const data = new Uint8Array(61).map((_, i) => i);
      const bytes = textBytes(comment);
      const buffer = blockBuffer(packetBlockLength(61, 7, bytes.length));
      buffer.bytes.fill(0xee);
      const end = writePacketBlock(buffer, 0, head({ bytes: data }), 7, bytes);
      expect(buffer.bytes.slice(0, end)).toEqual(
        enhancedPacket({
          interfaceId: 3,
          timeNs,
          originalLength: 61,
          data,
          direction: 1,
          packetId: 7n,
          comments: [comment],
        }),
      );
    },
  );
});
