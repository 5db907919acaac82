import { describe, expect, it } from 'vitest';
import {
  addForeignBatch,
  type FileView,
  type ForeignFold,
  type ForeignListener,
  mostRows,
  startForeign,
  startForeignFile,
} from '../../../../../src/core/judge/foreign/foreign.js';
import { finishForeign, type ForeignReport, macOfNumber } from '../../../../../src/core/judge/foreign/report.js';
import { foreignProtocol, type ForeignProtocol } from '../../../../../src/core/judge/foreign/protocol.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import type { FrameSpec } from '../../../../../src/core/model/plan.js';
import { viewFrame } from '../../../../../src/core/wire/frame-view.js';
import { tokenLength } from '../../../../../src/core/wire/token.js';

const macs = {
  own: '52:54:00:00:00:01',
  a: '52:54:00:00:00:02',
  b: '52:54:00:00:00:03',
  c: '52:54:00:00:00:04',
  all: 'ff:ff:ff:ff:ff:ff',
} as const;
type Name = keyof typeof macs;
const numberOf = (name: Name): number => Number.parseInt(macs[name].replaceAll(':', ''), 16);
const nameOf = (mac: number): string =>
  Object.entries(macs).find(([, text]) => text === macOfNumber(mac))?.[0] ?? macOfNumber(mac);

const frame = (from: Name, to: Name, over: Partial<FrameSpec> = {}): Uint8Array =>
  buildFrame(
    { carrier: 'raw', srcMac: macs[from], dstMac: macs[to], vlan: [], srcIp: null, dstIp: null, size: 60, ...over },
    new Uint8Array(tokenLength),
  );
const udp = (from: Name, to: Name): Uint8Array =>
  frame(from, to, { carrier: 'ipv4-udp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' });
const tcpAck = (from: Name, to: Name): Uint8Array => {
  const bytes = Buffer.alloc(60);
  bytes.set(Buffer.from(`${macs[to]}${macs[from]}`.replaceAll(':', ''), 'hex'));
  bytes.set([8, 0, 0x45, 0, 0, 45], 12);
  bytes.set([64, 6], 22);
  bytes.set([0, 80, 0xc0, 1], 34);
  bytes[46] = 0x50;
  bytes[47] = 0x10;
  return bytes;
};

interface Heard {
  readonly bytes: Uint8Array;
  readonly ns?: bigint;
  readonly original?: number;
}
const everything: FileView = { ethernet: () => true, settled: () => null };
function hear(
  fold: ForeignFold,
  path: string,
  frames: readonly Heard[],
  view: FileView = everything,
): ReturnType<typeof startForeignFile> {
  const file = startForeignFile(fold, path);
  const offsets: number[] = [];
  let at = 0;
  for (const { bytes } of frames) {
    offsets.push(at);
    at += bytes.length;
  }
  addForeignBatch(
    fold,
    file,
    {
      bytes: Buffer.concat(frames.map(({ bytes }) => bytes)),
      count: frames.length,
      offset: Uint32Array.from(offsets),
      captured: Uint32Array.from(frames, ({ bytes }) => bytes.length),
      original: Uint32Array.from(frames, ({ bytes, original }) => original ?? bytes.length),
      interfaceId: Uint32Array.from(frames, (_, index) => index),
      direction: new Uint8Array(frames.length),
      timeNs: BigInt64Array.from(frames, ({ ns }, index) => ns ?? BigInt(index) * 1_000_000_000n),
    },
    view,
  );
  return file;
}
const listener = (over: Partial<ForeignListener> = {}): ForeignListener => ({
  name: 'kali',
  macs: [numberOf('own')],
  elsewhere: null,
  ...over,
});
function report(frames: readonly Heard[], of = listener(), view = everything): ForeignReport {
  const fold = startForeign(of);
  hear(fold, 'one.pcapng', frames, view);
  return finishForeign(fold, nameOf);
}
const each = (...frames: readonly Uint8Array[]): readonly Heard[] => frames.map((bytes) => ({ bytes }));

describe('what a listener heard', () => {
  it('is its own, a group’s, or foreign, by its addresses', () => {
    const told = report(
      each(frame('own', 'a'), frame('a', 'own'), frame('a', 'all'), frame('a', 'b'), new Uint8Array(13)),
    );
    expect(told.files).toEqual([
      {
        path: 'one.pcapng',
        frames: 5,
        own: 2,
        group: 1,
        foreign: 1,
        passing: 0,
        unread: 1,
        first: '1970-01-01T00:00:00.000000000Z',
        last: '1970-01-01T00:00:04.000000000Z',
      },
    ]);
    expect(told).toMatchObject({
      listener: 'kali',
      macs: [macs.own],
      found: true,
      exitCode: 2,
      notKept: 0,
      pairs: [{ a: 'a', b: 'b', ways: 'one', otherWayExists: false }],
    });
    expect(told.limits).toHaveLength(1);
  });
  it('is passing at an uplink unless both ends live on this side', () => {
    const uplink = listener({ elsewhere: [numberOf('a'), numberOf('b')] });
    expect(
      report(each(frame('a', 'b'), frame('a', 'c'), frame('c', 'a'), frame('c', 'all')), uplink).files[0],
    ).toMatchObject({ foreign: 1, passing: 2, group: 1 });
  });
  it('is its own or a control where somebody else settled it, and unread where it is no Ethernet', () => {
    const told = report(each(frame('a', 'b'), frame('a', 'b'), frame('a', 'b'), frame('a', 'b')), listener(), {
      ethernet: (id) => id !== 2,
      settled: (packet) => (packet === 0 ? 'own' : 'control'),
    });
    expect(told.files[0]).toMatchObject({ own: 1, controls: 2, unread: 1, foreign: 0 });
    expect(report(each(frame('a', 'b').subarray(0, 14), frame('a', 'b').subarray(0, 13))).files[0]).toMatchObject({
      foreign: 1,
      unread: 1,
    });
    expect(report(each(frame('own', 'a'))).files[0]).not.toHaveProperty('controls');
  });
  it('is told by its pairs, the loudest first, with both directions together', () => {
    const told = report([
      { bytes: frame('c', 'a'), ns: 9n },
      { bytes: frame('a', 'b'), ns: 30n, original: 1500 },
      { bytes: udp('a', 'b'), ns: 20n },
      { bytes: udp('a', 'b'), ns: 50n },
      { bytes: frame('b', 'a'), ns: 40n },
    ]);
    expect(
      told.pairs.map(({ a, b, ways, heard }) => [a, b, ways, heard.map(({ from, to, frames }) => [from, to, frames])]),
    ).toEqual([
      [
        'a',
        'b',
        'both',
        [
          ['a', 'b', 3],
          ['b', 'a', 1],
        ],
      ],
      ['c', 'a', 'one', [['c', 'a', 1]]],
    ]);
    expect(told.pairs[0]?.reading).toMatch(/^both directions were heard/);
    expect(told.pairs[0]?.heard[0]).toMatchObject({
      octets: 1500 + 2 * udp('a', 'b').length,
      protocols: [
        { name: expect.stringMatching(/^UDP/), frames: 2 },
        { name: '0x88b5', frames: 1 },
      ],
      first: '1970-01-01T00:00:00.000000020Z',
      last: '1970-01-01T00:00:00.000000050Z',
      firstSighting: { file: 'one.pcapng', frame: 3 },
    });
  });
  it('is told in the order of time where pairs are as loud, then of names', () => {
    expect(
      report([
        { bytes: frame('c', 'b'), ns: 5n },
        { bytes: frame('a', 'c'), ns: 4n },
      ]).pairs.map(({ a }) => a),
    ).toEqual(['a', 'c']);
    expect(
      report([
        { bytes: frame('c', 'b'), ns: 5n },
        { bytes: frame('a', 'c'), ns: 5n },
      ]).pairs.map(({ a }) => a),
    ).toEqual(['a', 'c']);
    expect(report([{ bytes: frame('a', 'a'), ns: 5n }]).pairs).toMatchObject([
      { a: 'a', b: 'a', ways: 'one', heard: [{ frames: 1 }] },
    ]);
  });
  it('began with the earliest of all its protocols, in either direction', () => {
    const order = (...frames: readonly Heard[]): readonly string[] =>
      report(frames).pairs.map(({ a, b }) => `${a} ${b}`);
    expect(order({ bytes: frame('a', 'b'), ns: 9n }, { bytes: frame('c', 'a'), ns: 4n })).toEqual(['c a', 'a b']);
    expect(
      order(
        { bytes: frame('c', 'a'), ns: 5n },
        { bytes: udp('c', 'a'), ns: 5n },
        { bytes: frame('a', 'b'), ns: 9n },
        { bytes: udp('a', 'b'), ns: 3n },
      ),
    ).toEqual(['a b', 'c a']);
    expect(
      order(
        { bytes: frame('c', 'a'), ns: 5n },
        { bytes: udp('c', 'a'), ns: 5n },
        { bytes: frame('a', 'b'), ns: 3n },
        { bytes: udp('a', 'b'), ns: 9n },
      ),
    ).toEqual(['a b', 'c a']);
    expect(
      order(
        { bytes: frame('c', 'a'), ns: 5n },
        { bytes: udp('c', 'a'), ns: 5n },
        { bytes: frame('a', 'b'), ns: 9n },
        { bytes: frame('b', 'a'), ns: 3n },
      ),
    ).toEqual(['a b', 'c a']);
    expect(
      order({ bytes: frame('a', 'c'), ns: 5n }, { bytes: frame('c', 'b'), ns: 5n }, { bytes: frame('b', 'c'), ns: 5n }),
    ).toEqual(['b c', 'a c']);
  });
  it('is first told where it was first captured, and protocols that are as loud by their names', () => {
    const [pair] = report([
      { bytes: udp('a', 'b'), ns: 5n },
      { bytes: frame('a', 'b'), ns: 5n },
    ]).pairs;
    expect(pair?.heard[0]).toMatchObject({
      firstSighting: { frame: 1 },
      protocols: [{ name: '0x88b5' }, { name: expect.stringMatching(/^UDP/) }],
    });
    expect(
      report([
        { bytes: frame('a', 'b'), ns: 5n },
        { bytes: udp('a', 'b'), ns: 5n },
      ]).pairs[0]?.heard[0]?.protocols[0]?.name,
    ).toBe('0x88b5');
  });
  it('answers where one of its protocols does', () =>
    expect(report(each(frame('a', 'b'), tcpAck('a', 'b'))).pairs[0]).toMatchObject({
      ways: 'one',
      otherWayExists: true,
    }));
  it('of one direction says whether the other exists', () => {
    const [answering] = report(each(tcpAck('a', 'b'))).pairs;
    expect(answering).toMatchObject({
      ways: 'one',
      otherWayExists: true,
      heard: [{ protocols: [{ name: 'TCP 80', frames: 1 }], payloadOctets: 5 }],
    });
    expect(answering?.reading).toContain('it answers frames of b that were not');
    expect(report(each(frame('a', 'b'))).pairs[0]?.reading).toContain('nothing shows that b ever answered');
  });
  it('over several files is one report, with the first file that had it', () => {
    const fold = startForeign(listener());
    hear(fold, 'x', [{ bytes: frame('a', 'b'), ns: 70n }]);
    hear(fold, 'y', [
      { bytes: frame('a', 'b'), ns: 60n },
      { bytes: udp('a', 'b'), ns: 10n },
    ]);
    const told = finishForeign(fold, nameOf);
    expect(told.files.map(({ path, foreign }) => [path, foreign])).toEqual([
      ['x', 1],
      ['y', 2],
    ]);
    expect(told.pairs[0]?.heard[0]).toMatchObject({
      frames: 3,
      firstSighting: { file: 'y', frame: 2 },
      first: '1970-01-01T00:00:00.000000010Z',
      last: '1970-01-01T00:00:00.000000070Z',
    });
  });
});

describe('rows that are kept', () => {
  const udpTo = (port: number): Uint8Array => {
    const bytes = Uint8Array.from(udp('a', 'b'));
    bytes.set([port >> 8, port & 255], 36);
    bytes.set([0xea, 0x60], 34);
    return bytes;
  };
  it('are so many; of what comes then frames are counted only, of known rows as before', () => {
    const fold = startForeign(listener());
    fold.rows = mostRows - 1;
    hear(fold, 'x', each(udpTo(53), udpTo(80), udpTo(80), frame('a', 'c'), udpTo(53)));
    expect(fold.rows).toBe(mostRows);
    const told = finishForeign(fold, nameOf);
    expect([told.notKept, told.files[0]?.foreign, told.found]).toEqual([3, 5, true]);
    expect(told.pairs.map(({ heard }) => heard.map(({ protocols }) => protocols))).toEqual([
      [[{ name: 'UDP 53', frames: 2 }]],
    ]);
  });
  it('of one pair may be more than are found by number', () => {
    const ports = Array.from({ length: 300 }, (_, at) => at + 1);
    const told = report(each(...ports.map(udpTo), ...ports.map(udpTo)));
    expect(told.pairs[0]?.heard[0]?.protocols).toHaveLength(300);
    expect(told.pairs[0]?.heard[0]?.protocols.every(({ frames }) => frames === 2)).toBe(true);
  });
  it('are one for one protocol, whether its frames are read by number or by their headers', () => {
    const tagged = (bytes: Uint8Array): Uint8Array =>
      Buffer.concat([bytes.subarray(0, 12), Buffer.from([0x81, 0, 0, 7]), bytes.subarray(12)]);
    expect(report(each(udpTo(53), tagged(udpTo(53)))).pairs[0]?.heard[0]?.protocols).toEqual([
      { name: 'UDP 53', frames: 2 },
    ]);
    expect(report(each(tagged(udpTo(53)), udpTo(53))).pairs[0]?.heard[0]?.protocols).toEqual([
      { name: 'UDP 53', frames: 2 },
    ]);
  });
  it('of a frame that ends within its tags say so', () => {
    const cut = Buffer.concat([udpTo(53).subarray(0, 12), Buffer.from([0x81, 0, 0])]);
    expect(report(each(cut)).pairs[0]?.heard[0]).toMatchObject({
      payloadOctets: 0,
      protocols: [{ name: 'cut off', frames: 1 }],
    });
  });
});

describe('nothing foreign', () => {
  it('is 0 where the ear is not deaf, and proves no isolation', () => {
    const told = report(each(frame('a', 'own')));
    expect(told).toMatchObject({ found: false, exitCode: 0, reasons: [], pairs: [] });
    expect(told.limits).toHaveLength(2);
  });
  it('is no verdict where something is amiss', () => {
    expect(report([])).toMatchObject({
      exitCode: 3,
      reasons: [{ code: 'nothing-to-hear', observer: 'kali' }],
      files: [{ first: null, last: null }],
    });
    const uplink = listener({ elsewhere: [numberOf('a'), numberOf('b')] });
    for (const heard of [
      [frame('a', 'own'), frame('a', 'all')],
      [frame('a', 'own'), frame('a', 'c')],
      [frame('a', 'all'), frame('a', 'c')],
    ])
      expect(report(each(...heard), uplink).reasons).toEqual([]);
    expect(report(each(frame('a', 'own'), new Uint8Array(3)))).toMatchObject({
      exitCode: 3,
      reasons: [
        {
          code: 'evidence-incomplete',
          text: 'one.pcapng: 1 of 2 frames are not Ethernet or end before their addresses do',
        },
      ],
    });
    const fold = startForeign(listener());
    const file = hear(fold, 'x', each(frame('a', 'all')));
    file.damages.push('a block is cut off');
    file.dropped = 4;
    const more = { code: 'key-lost', observer: null, text: 'more' };
    expect(finishForeign(fold, nameOf, [more])).toMatchObject({
      exitCode: 3,
      reasons: [
        { code: 'capture-damaged', observer: 'kali', text: 'x, a block is cut off' },
        { code: 'frames-dropped', text: 'x: the kernel dropped 4 frames before they were captured' },
        more,
      ],
    });
  });
  it('that was amiss does not hide what was heard', () =>
    expect(report(each(frame('a', 'b'), new Uint8Array(3)))).toMatchObject({
      found: true,
      exitCode: 2,
      reasons: [{ code: 'evidence-incomplete' }],
    }));
});

describe('a MAC in words', () => {
  it('is lower case with colons, with its leading zeros', () =>
    expect([macOfNumber(0), macOfNumber(0xab), macOfNumber(0x0a0b0c0d0e0f)]).toEqual([
      '00:00:00:00:00:00',
      '00:00:00:00:00:ab',
      '0a:0b:0c:0d:0e:0f',
    ]));
});

describe('what a foreign frame carries', () => {
  const told = (bytes: Uint8Array): ForeignProtocol | null => {
    const view = viewFrame(bytes, 0, bytes.length);
    return view === null ? null : foreignProtocol(bytes, bytes.length, view);
  };
  const ipv4 = (protocol: number, more: readonly number[] = [], fragment: readonly number[] = [0, 0]): Uint8Array =>
    Uint8Array.from([
      ...Buffer.from(`${macs.b}${macs.a}`.replaceAll(':', ''), 'hex'),
      8,
      0,
      0x45,
      0,
      0,
      20 + more.length,
      0,
      0,
      ...fragment,
      64,
      protocol,
      0,
      0,
      10,
      0,
      0,
      1,
      10,
      0,
      0,
      2,
      ...more,
    ]);
  const ethernet = (type: readonly number[], more: readonly number[] = []): Uint8Array =>
    Uint8Array.from([...Buffer.from(`${macs.b}${macs.a}`.replaceAll(':', ''), 'hex'), ...type, ...more]);
  const ports = (a: number, b: number): readonly number[] => [a >> 8, a & 255, b >> 8, b & 255];

  it.each<[string, Uint8Array, ForeignProtocol]>([
    [
      'the lower port of UDP',
      ipv4(17, [...ports(5353, 53), 0, 10, 0, 0, 1, 2]),
      { name: 'UDP 53', answers: false, payloadOctets: 2 },
    ],
    [
      'the highest port that names a service',
      ipv4(17, [...ports(60_000, 49_151), 0, 8, 0, 0]),
      { name: 'UDP 49151', answers: false, payloadOctets: 0 },
    ],
    [
      'two ports that name none',
      ipv4(17, [...ports(60_000, 49_152), 0, 8, 0, 0]),
      { name: 'UDP', answers: false, payloadOctets: 0 },
    ],
    ['UDP that is cut off', ipv4(17, [0, 53]), { name: 'UDP', answers: false, payloadOctets: 2 }],
    [
      'TCP that acknowledges',
      ipv4(6, [...ports(80, 50_000), 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0, 7]),
      { name: 'TCP 80', answers: true, payloadOctets: 1 },
    ],
    [
      'TCP that opens',
      ipv4(6, [...ports(50_000, 443), 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0]),
      { name: 'TCP 443', answers: false, payloadOctets: 0 },
    ],
    ['TCP that is cut off', ipv4(6, [0, 80]), { name: 'TCP', answers: false, payloadOctets: 2 }],
    ['an echo', ipv4(1, [8, 0, 0, 0, 0, 0, 0, 0]), { name: 'ICMP', answers: false, payloadOctets: 0 }],
    ['an answer to an echo', ipv4(1, [0, 0, 0, 0, 0, 0, 0, 0, 9]), { name: 'ICMP', answers: true, payloadOctets: 1 }],
    ['a protocol with a name', ipv4(47, [1, 2]), { name: 'GRE', answers: false, payloadOctets: 2 }],
    ['a protocol without one', ipv4(200), { name: 'IP protocol 200', answers: false, payloadOctets: 0 }],
    ['a later fragment', ipv4(17, [1, 2, 3], [0, 1]), { name: 'IPv4 fragment', answers: false, payloadOctets: 3 }],
    ['IPv4 that is cut off', ethernet([8, 0], [0x45, 0]), { name: '0x0800', answers: false, payloadOctets: 2 }],
    [
      'another EtherType, with its zeros',
      ethernet([0x06, 0x00], [1, 2, 3]),
      { name: '0x0600', answers: false, payloadOctets: 3 },
    ],
    ['a length, which is LLC', ethernet([0x05, 0xff], [1, 2, 3]), { name: 'LLC', answers: false, payloadOctets: 3 }],
    [
      'a request of ARP',
      frame('a', 'b', { carrier: 'arp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }),
      { name: 'ARP', answers: false, payloadOctets: 0 },
    ],
    [
      'a reply of ARP',
      frame('a', 'b', { carrier: 'arp', form: 'arp-reply', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }),
      { name: 'ARP', answers: true, payloadOctets: 0 },
    ],
    ['ARP that is cut off', ethernet([8, 6], [0, 1]), { name: 'ARP', answers: false, payloadOctets: 0 }],
  ])('is named: %s', (_, bytes, expected) => expect(told(bytes)).toEqual(expected));

  it('in IPv6 is named likewise', () => {
    const icmp = (type: number): Uint8Array => {
      const bytes = Buffer.alloc(14 + 40 + 8);
      bytes.set(ethernet([0x86, 0xdd]));
      bytes.set([0x60, 0, 0, 0, 0, 8, 58, 64], 14);
      bytes[54] = type;
      return bytes;
    };
    expect([told(icmp(128)), told(icmp(129))]).toEqual([
      { name: 'ICMPv6', answers: false, payloadOctets: 0 },
      { name: 'ICMPv6', answers: true, payloadOctets: 0 },
    ]);
  });
});
