import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arpLength, parseArp } from '../../../../src/core/wire/arp.js';
import { ethernetLength, parseEthernet } from '../../../../src/core/wire/ethernet.js';
import { parseIcmp } from '../../../../src/core/wire/icmp.js';
import { parseIpv4, writeIpv4 } from '../../../../src/core/wire/ipv4.js';
import { parseIpv6 } from '../../../../src/core/wire/ipv6.js';
import { checksumHolds, checksumOf, sumOf } from '../../../../src/core/wire/bytes.js';
import { parseTcp } from '../../../../src/core/wire/tcp.js';
import { parseUdp } from '../../../../src/core/wire/udp.js';
import { parseTags, writeTags } from '../../../../src/core/wire/vlan.js';

const wanted = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('the Internet checksum', () => {
  it('is that of RFC 1071, section 3', () => {
    // 0001 f203 f4f5 f6f7 sum to 2ddf0, folded ddf2
    const bytes = wanted('0001 f203 f4f5 f6f7');
    expect(sumOf(bytes, 0, 8)).toBe(0x2ddf0);
    expect(checksumOf(sumOf(bytes, 0, 8))).toBe(0xffff - 0xddf2);
  });
  it('takes an odd last byte as a high one', () => {
    expect(sumOf(wanted('0001 f2'), 0, 3)).toBe(0xf201);
  });
  it('comes out right over data with its own checksum', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const sum = sumOf(bytes, 0, bytes.length);
        expect(checksumHolds(sum + checksumOf(sum))).toBe(true);
      }),
    );
  });
});

describe('IPv4', () => {
  // 192.168.0.1 > 192.168.0.199: (ttl 64, id 0, flags [DF], proto UDP (17), length 115), checksum b861: a header known
  // from textbooks
  const header = wanted('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7');
  it('is written with its header checksum', () => {
    const bytes = new Uint8Array(20);
    writeIpv4(bytes, 0, {
      src: wanted('c0a80001'),
      dst: wanted('c0a800c7'),
      protocol: 17,
      hopLimit: 64,
      payloadLength: 95,
    });
    expect(bytes).toEqual(header);
  });
  it('steps over options', () => {
    const bytes = wanted('4600 001c 0000 4000 4001 0000 c0a8 0001 c0a8 00c7 94040000 0800ffff');
    expect(parseIpv4(bytes, 0, bytes.length)).toMatchObject({ payloadAt: 24, payloadEnd: 28, protocol: 1 });
  });
  it('ends at its own length, not in the padding, and where that is 0 at the end of the frame', () => {
    const padded = new Uint8Array(200);
    padded.set(header);
    expect(parseIpv4(padded, 0, 200)?.payloadEnd).toBe(115);
    expect(parseIpv4(padded, 0, 60)?.payloadEnd).toBe(60);
    padded.fill(0, 2, 4);
    expect(parseIpv4(padded, 0, 200)?.payloadEnd).toBe(200);
  });
  it.each([
    ['version 5', '55'],
    ['a header of 16 bytes', '44'],
    ['a header longer than the frame', '46'],
  ])('is none with %s', (_, first) => {
    const bytes = Uint8Array.from(header);
    bytes.set(wanted(first));
    expect(parseIpv4(bytes, 0, 20)).toBeNull();
  });
});

describe('VLAN tags', () => {
  it('are written behind the addresses, the type behind the innermost', () => {
    const bytes = new Uint8Array(10);
    expect(writeTags(bytes, 0, [1, 10], [0x88a8, 0x8100], 0x0800)).toBe(10);
    expect(bytes).toEqual(wanted('88a8 0001 8100 000a 0800'));
    expect(parseTags(bytes, 2, 10, 0x88a8)).toEqual({ ids: [1, 10], etherType: 0x0800, payloadAt: 10 });
  });
  it('have an id of 12 bits: priority and drop bit are not in it', () => {
    expect(parseTags(wanted('f00a 0800'), 0, 4, 0x8100)).toEqual({ ids: [10], etherType: 0x0800, payloadAt: 4 });
  });
  it('cut off are none', () => {
    expect(parseTags(wanted('000a 08'), 0, 3, 0x8100)).toBeNull();
  });
});

describe('ARP', () => {
  it('is IPv4 over Ethernet or none', () => {
    // Request who-has 192.168.0.200 tell 192.168.0.20
    const body = wanted('0001 0800 06 04 0001 5254008520d1 c0a80014 000000000000 c0a800c8');
    expect(parseArp(body, 0, arpLength)).toEqual({
      operation: 1,
      senderMacAt: 8,
      senderIpAt: 14,
      targetMacAt: 18,
      targetIpAt: 24,
      trailerAt: 28,
    });
    for (const at of [1, 2, 4, 5]) {
      const bytes = Uint8Array.from(body);
      bytes[at] = 0x77;
      expect(parseArp(bytes, 0, arpLength)).toBeNull();
    }
  });
});

describe('TCP', () => {
  it('steps over options, and is none where its data offset cannot be', () => {
    const bytes = wanted('d649 d64a 00000001 00000002 6012 ffff 0000 0000 020405b4');
    expect(parseTcp(bytes, 0, 24)).toEqual({
      srcPort: 0xd649,
      dstPort: 0xd64a,
      sequence: 1,
      flags: 0x12,
      checksumAt: 16,
      payloadAt: 24,
    });
    bytes[12] = 0x40;
    expect(parseTcp(bytes, 0, 24)).toBeNull();
    bytes[12] = 0x70;
    expect(parseTcp(bytes, 0, 24)).toBeNull();
  });
});

describe('every parser', () => {
  const parsers = { parseEthernet, parseArp, parseIpv4, parseIpv6, parseIcmp, parseUdp, parseTcp };
  it.each(Object.entries(parsers))('is total and never points past the end: %s', (_, parse) => {
    const near = fc.integer({ min: -3, max: 70 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), near, near, (bytes, at, end) => {
        const parsed = parse(bytes, at, end);
        if (parsed === null) return;
        const limit = Math.min(end, bytes.length);
        const behind = 'payloadAt' in parsed ? parsed.payloadAt : parsed.trailerAt;
        expect(behind).toBeGreaterThan(at);
        expect(behind).toBeLessThanOrEqual(limit);
      }),
    );
  });
  it.each([
    [parseEthernet, ethernetLength],
    [parseArp, arpLength],
    [parseIpv4, 20],
    [parseIpv6, 40],
    [parseIcmp, 8],
    [parseUdp, 8],
    [parseTcp, 20],
  ] as const)('gives null for a header that is cut: %o', (parse, length) => {
    const bytes = new Uint8Array(60).fill(0x66);
    for (let end = 0; end < length; end += 1) expect(parse(bytes, 0, end)).toBeNull();
  });
});
