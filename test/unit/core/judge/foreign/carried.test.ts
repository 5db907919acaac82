import { describe, expect, it } from 'vitest';
import { macOfNumber } from '../../../../../src/core/judge/foreign/report.js';
import { foreignProtocol, type ForeignProtocol } from '../../../../../src/core/judge/foreign/protocol.js';
import { viewFrame } from '../../../../../src/core/wire/frame-view.js';
import { macs, frame } from '../../../../support/judge/foreign-fixture.js';

describe('a MAC in words', () => {
  it('is lower case with colons, with its leading zeros', () =>
    expect([macOfNumber(0), macOfNumber(0xab), macOfNumber(0x0a0b0c0d0e0f)]).toEqual([
      '00:00:00:00:00:00',
      '00:00:00:00:00:ab',
      '0a:0b:0c:0d:0e:0f',
    ]));
});

describe('what a foreign frame carries', () => {
  const foreign = (bytes: Uint8Array): ForeignProtocol | null => {
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
      { name: 'UDP 53', answers: false, payloadBytes: 2 },
    ],
    [
      'the highest port that names a service',
      ipv4(17, [...ports(60_000, 49_151), 0, 8, 0, 0]),
      { name: 'UDP 49151', answers: false, payloadBytes: 0 },
    ],
    [
      'two ports that name none',
      ipv4(17, [...ports(60_000, 49_152), 0, 8, 0, 0]),
      { name: 'UDP', answers: false, payloadBytes: 0 },
    ],
    ['UDP that is cut off', ipv4(17, [0, 53]), { name: 'UDP', answers: false, payloadBytes: 2 }],
    [
      'TCP that acknowledges',
      ipv4(6, [...ports(80, 50_000), 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0, 7]),
      { name: 'TCP 80', answers: true, payloadBytes: 1 },
    ],
    [
      'TCP that opens',
      ipv4(6, [...ports(50_000, 443), 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0]),
      { name: 'TCP 443', answers: false, payloadBytes: 0 },
    ],
    ['TCP that is cut off', ipv4(6, [0, 80]), { name: 'TCP', answers: false, payloadBytes: 2 }],
    ['an echo', ipv4(1, [8, 0, 0, 0, 0, 0, 0, 0]), { name: 'ICMP', answers: false, payloadBytes: 0 }],
    ['an answer to an echo', ipv4(1, [0, 0, 0, 0, 0, 0, 0, 0, 9]), { name: 'ICMP', answers: true, payloadBytes: 1 }],
    ['a protocol with a name', ipv4(47, [1, 2]), { name: 'GRE', answers: false, payloadBytes: 2 }],
    ['a protocol without one', ipv4(200), { name: 'IP protocol 200', answers: false, payloadBytes: 0 }],
    ['a later fragment', ipv4(17, [1, 2, 3], [0, 1]), { name: 'IPv4 fragment', answers: false, payloadBytes: 3 }],
    ['IPv4 that is cut off', ethernet([8, 0], [0x45, 0]), { name: '0x0800', answers: false, payloadBytes: 2 }],
    [
      'another EtherType, with its zeros',
      ethernet([0x06, 0x00], [1, 2, 3]),
      { name: '0x0600', answers: false, payloadBytes: 3 },
    ],
    ['a length, which is LLC', ethernet([0x05, 0xff], [1, 2, 3]), { name: 'LLC', answers: false, payloadBytes: 3 }],
    [
      'a request of ARP',
      frame('a', 'b', { carrier: 'arp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }),
      { name: 'ARP', answers: false, payloadBytes: 0 },
    ],
    [
      'a reply of ARP',
      frame('a', 'b', { carrier: 'arp', form: 'arp-reply', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }),
      { name: 'ARP', answers: true, payloadBytes: 0 },
    ],
    ['ARP that is cut off', ethernet([8, 6], [0, 1]), { name: 'ARP', answers: false, payloadBytes: 0 }],
  ])('is named: %s', (_, bytes, expected) => expect(foreign(bytes)).toEqual(expected));

  it('in IPv6 is named likewise', () => {
    const icmp = (type: number): Uint8Array => {
      const bytes = Buffer.alloc(14 + 40 + 8);
      bytes.set(ethernet([0x86, 0xdd]));
      bytes.set([0x60, 0, 0, 0, 0, 8, 58, 64], 14);
      bytes[54] = type;
      return bytes;
    };
    expect([foreign(icmp(128)), foreign(icmp(129))]).toEqual([
      { name: 'ICMPv6', answers: false, payloadBytes: 0 },
      { name: 'ICMPv6', answers: true, payloadBytes: 0 },
    ]);
  });
});
