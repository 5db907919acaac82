import { describe, expect, it } from 'vitest';
import { readPacketOptions, textOctets } from '../../../../../src/core/pcap/pcapng/options.js';
import { blockBuffer, packetBlockLength, writePacketBlock } from '../../../../../src/core/pcap/pcapng/packet-block.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../../../../src/core/pcap/pcapng/writer.js';
import { available, batches, concat, packets, readAll, runOn } from '../../../../support/pcap/helpers.js';

const frame = Uint8Array.from(Buffer.from('ffffffffffff52540000000188b5' + '00'.repeat(47), 'hex'));
const timeNs = 1_764_000_000_123_456_789n;

const file = concat(
  sectionHeader({ hardware: 'x86_64', os: 'Linux 6.18', application: 'verify-isolation', comment: 'a run' }),
  interfaceDescription({
    name: 'vnet0',
    description: 'kali2',
    filter: 'ether proto 0x88b5',
    snaplen: 128,
    os: 'Linux',
  }),
  interfaceDescription({ name: '$(id);é', snaplen: 0 }),
  enhancedPacket({
    interfaceId: 1,
    timeNs,
    originalLength: 1500,
    data: frame,
    direction: 2,
    packetId: 77n,
    comments: ['leak: kali2 → lan', 'second'],
  }),
  enhancedPacket({ interfaceId: 0, timeNs: timeNs + 1n, originalLength: frame.length, data: frame, direction: 1 }),
  enhancedPacket({ interfaceId: 0, timeNs: timeNs + 2n, originalLength: 3, data: frame.subarray(0, 3), direction: 0 }),
  interfaceStatistics({
    interfaceId: 0,
    timeNs: timeNs + 3n,
    received: 7n,
    dropped: 2n,
    delivered: 5n,
    startNs: timeNs,
    endNs: timeNs + 3n,
  }),
);

describe('a pcapng file', () => {
  it('has whole blocks of 4-octet words', () => {
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

  it.each([0, 1, 2, 3, 60, 95, 96, 97, 1514])('has the same packet block from the fast writer: %i octets', (length) => {
    const data = new Uint8Array(length).map((_, i) => i);
    const buffer = blockBuffer(packetBlockLength(length) + 8);
    buffer.bytes.fill(0xee);
    const end = writePacketBlock(
      buffer,
      4,
      3,
      Number(timeNs >> 32n),
      Number(timeNs & 0xffff_ffffn),
      data,
      0,
      length,
      length + 1,
      2,
    );
    expect(end).toBe(4 + packetBlockLength(length));
    expect(buffer.bytes.slice(4, end)).toEqual(
      enhancedPacket({ interfaceId: 3, timeNs, originalLength: length + 1, data, direction: 2 }),
    );
    expect(() => writePacketBlock(buffer, 9, 3, 0, 0, data, 0, length, length, 2)).toThrow(RangeError);
  });

  it.each([0, 7, 2 ** 32 + 5])('has the same packet block with id %i from the fast writer', (packetId) => {
    const data = new Uint8Array(61).map((_, i) => i);
    const buffer = blockBuffer(packetBlockLength(61, packetId));
    const end = writePacketBlock(
      buffer,
      0,
      3,
      Number(timeNs >> 32n),
      Number(timeNs & 0xffff_ffffn),
      data,
      0,
      61,
      61,
      1,
      packetId,
    );
    expect(buffer.bytes.slice(0, end)).toEqual(
      enhancedPacket({ interfaceId: 3, timeNs, originalLength: 61, data, direction: 1, packetId: BigInt(packetId) }),
    );
  });

  it.each(['a', 'four', 'LEAK probe 7 kali2→lan', '\u001b[2J'])(
    'has the same packet block with the comment %j from the fast writer',
    (comment) => {
      const data = new Uint8Array(61).map((_, i) => i);
      const octets = textOctets(comment);
      const buffer = blockBuffer(packetBlockLength(61, 7, octets.length));
      buffer.bytes.fill(0xee);
      const end = writePacketBlock(
        buffer,
        0,
        3,
        Number(timeNs >> 32n),
        Number(timeNs & 0xffff_ffffn),
        data,
        0,
        61,
        61,
        1,
        7,
        octets,
      );
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

  it.skipIf(!available('tshark'))(
    'shows its interfaces, comments, ids and directions in tshark without a warning',
    () => {
      const { stdout, stderr, status } = runOn(file, 'tshark', [
        '-r',
        'FILE',
        '-n',
        '-T',
        'fields',
        '-e',
        'frame.interface_name',
        '-e',
        'frame.comment',
        '-e',
        'frame.packet_id',
        '-e',
        'frame.packet_flags_direction',
        '-e',
        'frame.time_epoch',
        '-e',
        'frame.len',
        '-e',
        'frame.cap_len',
      ]);
      expect(status).toBe(0);
      expect(stderr.replace(/Running as user.*\n/, '')).toBe('');
      const rows = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t'));
      expect(rows.map(([name, comment, id]) => ({ name, comment, id }))).toEqual([
        { name: '$(id);é', comment: 'leak: kali2 → lan,second', id: '77' },
        { name: 'vnet0', comment: '', id: '' },
        { name: 'vnet0', comment: '', id: '' },
      ]);
      expect(rows.map((row) => Number(row[3] ?? 0))).toEqual([2, 1, 0]);
      expect(rows[0]?.[4]).toMatch(/1764000000\.123456789|2025-11-24T.*\.123456789/);
      expect(rows.map((row) => row.slice(5))).toEqual([
        ['1500', '61'],
        ['61', '61'],
        ['3', '3'],
      ]);
    },
  );

  it.skipIf(!available('capinfos'))('shows its interfaces, filter, system and drops in capinfos', () => {
    const { stdout, stderr, status } = runOn(file, 'capinfos', ['FILE']);
    expect(status).toBe(0);
    expect(stderr.replace(/Running as user.*\n/, '')).toBe('');
    for (const line of [
      /Capture oper-sys:\s+Linux 6\.18/,
      /Capture application:\s+verify-isolation/,
      /Capture comment:\s+a run/,
      /Name = vnet0/,
      /Description = kali2/,
      /Filter string = ether proto 0x88b5/,
      /Capture length = 128/,
      /Number of stat entries = 1/,
      /Time precision = nanoseconds/,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it.skipIf(!available('tcpdump'))('is read by tcpdump', () => {
    const { stdout, status } = runOn(
      concat(
        sectionHeader({}),
        interfaceDescription({ name: 'vnet0', snaplen: 0 }),
        enhancedPacket({ interfaceId: 0, timeNs, originalLength: 61, data: frame, direction: 2 }),
      ),
      'tcpdump',
      ['-r', 'FILE', '-nett'],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^1764000000\.\d+ 52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype Unknown \(0x88b5\), length 61/,
    );
  });
});
