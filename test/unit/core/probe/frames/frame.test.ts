import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { buildFrame, buildFrames, frameTemplate } from '../../../../../src/core/probe/frames/frame.js';
import { describeFrame, viewFrame } from '../../../../../src/core/wire/frame-view.js';
import { leastSize, tokenOffset } from '../../../../../src/core/probe/frames/plain.js';
import { stampToken } from '../../../../../src/core/probe/frames/template.js';
import { findToken, tokenLength, tokensFor } from '../../../../../src/core/wire/token.js';
import { concat } from '../../../../support/pcap/helpers.js';
import { key, runTag, token, spec, forms } from '../../../../support/probe/frame-fixture.js';

describe('a probe frame', () => {
  it('of 60 bytes has room for a token behind Ethernet, IPv4 and UDP', () => {
    expect(leastSize('ipv4-udp', 0)).toBe(60);
    expect(leastSize('arp', 0)).toBe(60);
  });

  it.each(forms)('carries its token where it says: $carrier, tags $vlan', ({ carrier, vlan }) => {
    const frame = buildFrame(spec(carrier, vlan), token);
    const at = tokenOffset(carrier, vlan.length);
    expect(frame.subarray(at, at + tokenLength)).toEqual(token);
    expect(describeFrame(frame)?.payloadAt).toBe(at);
    expect(findToken(frame, 0, frame.length, runTag, at)?.index).toBe(42);
  });

  it.each(forms)('reads back as its spec: $carrier, tags $vlan', ({ carrier, vlan }) => {
    const planned = spec(carrier, vlan);
    const frame = buildFrame(planned, token);
    expect(frame).toHaveLength(planned.size);
    const { srcMac, dstMac, srcIp, dstIp } = planned;
    expect(describeFrame(frame)).toMatchObject({ srcMac, dstMac, vlan, srcIp, dstIp });
    expect(describeFrame(frame)?.hopLimit).toBe(carrier === 'raw' || carrier === 'arp' ? null : 64);
  });

  it('shows its bytes under its tcpdump line: ipv4-udp, untagged', () => {
    const frame = buildFrame(spec('ipv4-udp', []), token);
    // 52:54:00:85:20:d1 > 00:11:22:33:44:55, ethertype IPv4 (0x0800), length 60: (ttl 64, id 0, flags [DF], proto UDP
    // (17), length 46)
    //     192.168.0.20.54857 > 192.168.0.200.54858: [udp sum ok] UDP, length 18
    expect(Buffer.from(frame).toString('hex')).toBe(
      '001122334455' +
        '5254008520d1' +
        '0800' +
        '4500002e' +
        '00004000' +
        '4011' +
        'b892' +
        'c0a80014' +
        'c0a800c8' +
        'd649' +
        'd64a' +
        '001a' +
        '7051' +
        '5649' +
        '12345678' +
        '0000002a' +
        'a5a59f2345fa16c4',
    );
  });

  it('shows its bytes under its tcpdump line: arp, tagged twice', () => {
    // 52:54:00:85:20:d1 > 00:11:22:33:44:55, ethertype 802.1Q (0x8100), length 68: vlan 1, p 0, ethertype 802.1Q
    // (0x8100), vlan 10, p 0,
    //     ethertype ARP (0x0806), Ethernet (len 6), IPv4 (len 4), Request who-has 192.168.0.200 tell 192.168.0.20, length 46
    expect(Buffer.from(buildFrame(spec('arp', [1, 10]), token)).toString('hex')).toBe(
      '001122334455' +
        '5254008520d1' +
        '81000001' +
        '8100000a' +
        '0806' +
        '0001' +
        '0800' +
        '06' +
        '04' +
        '0001' +
        '5254008520d1' +
        'c0a80014' +
        '000000000000' +
        'c0a800c8' +
        Buffer.from(token).toString('hex'),
    );
  });

  it('has no UDP checksum of 0, which would mean none', () => {
    const template = frameTemplate(spec('ipv4-udp', []));
    const tokens = new Uint8Array(tokenLength);
    for (let filler = 0; filler < 0x10000; filler += 1) {
      new DataView(tokens.buffer).setUint16(16, filler);
      const out = new Uint8Array(60);
      stampToken(template, out, 0, tokens);
      if (((out[40] ?? 0) | (out[41] ?? 0)) === 0) expect.fail(`checksum 0 with filler ${filler}`);
    }
  });

  it.each(forms)('stamped in bulk is the one that is built alone: $carrier, tags $vlan', ({ carrier, vlan }) => {
    const planned = spec(carrier, vlan, 130);
    const many = buildFrames(planned, tokensFor(key, runTag, 5, 20));
    for (let i = 0; i < 20; i += 1) {
      expect(many.subarray(i * 130, (i + 1) * 130)).toEqual(buildFrame(planned, tokensFor(key, runTag, 5 + i, 1)));
    }
  });

  it('takes other tag types where asked', () => {
    const frame = buildFrame(spec('raw', [1, 10]), token, { tagTypes: [0x8100, 0x8100] });
    expect(Buffer.from(frame.subarray(12, 22)).toString('hex')).toBe('81000001' + '8100000a' + '88b5');
  });

  it.each([
    ['a size without room for its token', { ...spec('ipv4-udp', []), size: 59 }],
    ['a VLAN id over 4095', spec('raw', [4096])],
    ['a malformed MAC', { ...spec('raw', []), srcMac: '52:54:00:85:20' }],
    ['no destination address', { ...spec('ipv4-udp', []), dstIp: null }],
    ['an address of the other family', { ...spec('ipv6-udp', []), dstIp: '192.168.0.1' }],
  ] as const)('is refused by name: %s', (_, planned) => {
    expect(() => buildFrame(planned, token)).toThrow(VerifyError);
  });
});

describe('a view of a frame', () => {
  it('never throws, and its offsets stay inside the frame', () => {
    const seeds = forms.map(({ carrier, vlan }) => buildFrame(spec(carrier, vlan), token));
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 8 }),
        fc.nat(120),
        (seed, changes, end) => {
          const frame = Uint8Array.from(seed);
          for (const [at, value] of changes) if (at < frame.length) frame[at] = value;
          const cut = Math.min(end, frame.length);
          const view = viewFrame(frame, 0, cut);
          expect(view === null).toBe(cut < 14 || view === null);
          if (view !== null)
            for (const at of [view.payloadAt, view.srcIpAt + 1, view.dstIpAt + 1]) expect(at).toBeLessThanOrEqual(cut);
        },
      ),
    );
  });

  it('of arbitrary bytes never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void describeFrame(bytes)));
  });

  it('finds the transport behind IPv6 extension headers, and none in a later fragment', () => {
    const plain = buildFrame(spec('ipv6-udp', []), token);
    const hop = [17, 0, 1, 4, 0, 0, 0, 0];
    const extended = concat(plain.subarray(0, 54), Uint8Array.from(hop), plain.subarray(54));
    extended[20] = 0; // next header: hop-by-hop
    new DataView(extended.buffer).setUint16(18, 34);
    expect(viewFrame(extended, 0, extended.length)).toMatchObject({ protocol: 17, payloadAt: 70 });
    const fragment = concat(plain.subarray(0, 54), Uint8Array.from([17, 0, 0, 8, 0, 0, 0, 1]), plain.subarray(54));
    fragment[20] = 44;
    expect(viewFrame(fragment, 0, fragment.length)).toMatchObject({ protocol: 17, payloadAt: 62 });
  });

  it('gives up on tags and extension headers without end', () => {
    const tags = concat(new Uint8Array(12), ...Array.from({ length: 400 }, () => Uint8Array.of(0x81, 0, 0, 1)));
    expect(viewFrame(tags, 0, tags.length)?.vlan).toHaveLength(8);
    const plain = buildFrame(spec('ipv6-udp', []), token);
    const endless = concat(plain.subarray(0, 54), new Uint8Array(8 * 1000));
    endless[20] = 0;
    new DataView(endless.buffer).setUint16(18, 8000);
    expect(viewFrame(endless, 0, endless.length)?.payloadAt).toBe(54 + 8 * 8);
  });
});
