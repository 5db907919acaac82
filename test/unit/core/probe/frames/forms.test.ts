import { describe, expect, it } from 'vitest';
import { type FrameForm, frameForms, type FrameSpec } from '../../../../../src/core/model/plan.js';
import type { Carrier } from '../../../../../src/core/model/scenario.js';
import { classicHeader, classicRecord } from '../../../../../src/core/pcap/classic/writer.js';
import { filterByToken } from '../../../../../src/core/plan/filter-by-token.js';
import { ingressMac, rawControl } from '../../../../../src/core/plan/ingress-controls.js';
import { forms } from '../../../../../src/core/probe/frames/forms.js';
import { buildFrame, buildFrames, leastSizeOf } from '../../../../../src/core/probe/frames/frame.js';
import { describeFrame } from '../../../../../src/core/wire/frame-view.js';
import { findToken, tokensFor } from '../../../../../src/core/wire/token.js';
import { available, concat, runOn } from '../../../../support/pcap/helpers.js';

const key = new Uint8Array(32).fill(9);
const runTag = 0x12345678;
const token = tokensFor(key, runTag, 42, 1);

function spec(form: FrameForm, carrier: Carrier, over: Partial<FrameSpec> = {}): FrameSpec {
  const ip =
    carrier === 'raw'
      ? [null, null]
      : carrier.startsWith('ipv6')
        ? ['2001:db8::20', '2001:db8::c8']
        : ['192.168.0.20', '192.168.0.200'];
  const headers = {
    carrier,
    form,
    srcMac: '52:54:00:85:20:d1',
    dstMac: '00:11:22:33:44:55',
    vlan: [],
    srcIp: ip[0] ?? null,
    dstIp: ip[1] ?? null,
    ...over,
  };
  return { ...headers, size: Math.max(60, leastSizeOf(headers)) };
}

const allNodes = { srcIp: 'fe80::1', dstIp: 'ff02::1', dstMac: '33:33:00:00:00:01' };
const both = (carrier: Carrier): readonly (readonly [FrameSpec, RegExp])[] => [
  [
    spec('first-fragment', carrier),
    carrier.startsWith('ipv4') ? /id 22089, offset 0, flags \[\+\]/ : /frag \(0x00005649:0\|32\)/,
  ],
  [
    spec('later-fragment', carrier),
    carrier.startsWith('ipv4') ? /id 22090, offset 32, flags \[none\]/ : /frag \(0x0000564a:32\|18\)/,
  ],
];

/** Each form with what tcpdump says of it. */
const table: readonly (readonly [FrameSpec, RegExp])[] = [
  [
    spec('802.1ad', 'ipv4-udp', { vlan: [1, 10] }),
    /802\.1Q-QinQ \(0x88a8\), length 68: vlan 1, p 0, ethertype 802\.1Q \(0x8100\), vlan 10, p 0, .*\[udp sum ok\]/,
  ],
  [
    spec('llc-snap', 'raw'),
    /802\.3, length 46: LLC, dsap SNAP \(0xaa\) .* oui Ethernet \(0x000000\), ethertype Unknown \(0x88b5\)/,
  ],
  [spec('llc-snap', 'ipv4-udp'), /ethertype IPv4 \(0x0800\), length 46: .*\[udp sum ok\] UDP, length 18/],
  [spec('llc-snap', 'ipv6-udp', { vlan: [0] }), /vlan 0, p 0, 802\.3LLC, .*\[udp sum ok\] UDP, length 18/],
  [spec('llc-snap', 'arp'), /LLC, .* Request who-has 192\.168\.0\.200 tell 192\.168\.0\.20/],
  ...(['ipv4-udp', 'ipv4-tcp', 'ipv4-icmp', 'ipv6-udp', 'ipv6-icmp'] as const).flatMap(both),
  [spec('extension-header', 'ipv6-udp'), /DSTOPT \(padn\) 54857 > 54858: \[udp sum ok\] UDP, length 18/],
  [spec('extension-header', 'ipv6-icmp'), /DSTOPT \(padn\) \[icmp6 sum ok\] ICMP6, echo request/],
  [spec('source-sweep', 'raw'), /^06:78:00:00:00:2a > 00:11:22:33:44:55, ethertype Unknown \(0x88b5\)/],
  [spec('arp-reply', 'arp'), /Reply 192\.168\.0\.20 is-at 52:54:00:85:20:d1/],
  [
    spec('router-advertisement', 'ipv6-icmp', allNodes),
    /hlim 255, .*\[icmp6 sum ok\] ICMP6, router advertisement, .*router lifetime 0s/,
  ],
  [
    spec('neighbour-advertisement', 'ipv6-icmp', { ...allNodes, srcIp: '2001:db8::20' }),
    /hlim 255, .*\[icmp6 sum ok\] ICMP6, neighbor advertisement, .*tgt is 2001:db8::20, Flags \[override\]/,
  ],
  [
    spec('dhcp-offer', 'ipv4-udp', { dstIp: '255.255.255.255', dstMac: 'ff:ff:ff:ff:ff:ff' }),
    /\.67 > 255\.255\.255\.255\.68: \[udp sum ok\] BOOTP\/DHCP, Reply.*DHCP-Message \(53\), length 1: Offer/,
  ],
  [
    spec('igmp-query', 'ipv4-udp', { dstIp: '224.0.0.1', dstMac: '01:00:5e:00:00:01' }),
    /ttl 1, .*proto IGMP \(2\), length 32, options \(RA\)\) .*igmp query v2/,
  ],
  [
    spec('mld-query', 'ipv6-udp', allNodes),
    /hlim 1, .*HBH \(rtalert: 0x0000\) \(padn\) \[icmp6 sum ok\] ICMP6, multicast listener query/,
  ],
  [
    spec('bpdu', 'raw', { dstMac: '01:80:c2:00:00:00' }),
    /STP 802\.1d, Config, .*message-age 15\.00s, max-age 20\.00s.*root-id 0000\.52:54:00:85:20:d1, root-pathcost 0/,
  ],
];
const named = table.map(([one, line]) => ({ one, line, name: `${one.form ?? ''} of ${one.carrier}` }));

function capture(frames: readonly Uint8Array[]): Uint8Array {
  return concat(
    classicHeader('micro', 65_535),
    ...frames.map((data, i) =>
      classicRecord('micro', { timeNs: BigInt(i) * 1_000_000n, originalLength: data.length, data }),
    ),
  );
}

describe('a form of frame', () => {
  it('is in this test, each of them', () => {
    expect([...new Set(table.map(([one]) => one.form))].sort()).toEqual([...frameForms].sort());
    expect(Object.keys(forms).sort()).toEqual([...frameForms].sort());
  });

  it.each(named)('carries a token, and its planned addresses can be read back: $name', ({ one }) => {
    const frame = buildFrame(one, token);
    expect(frame).toHaveLength(one.size);
    expect(findToken(frame, 0, frame.length, runTag, -1)?.index).toBe(42);
    const { dstMac, vlan, srcIp, dstIp } = one;
    expect(describeFrame(frame)).toMatchObject({ dstMac, vlan, srcIp, dstIp });
  });

  it.each(named)('has room for more, and none for less: $name', ({ one }) => {
    const least = leastSizeOf(one);
    expect(buildFrame({ ...one, size: least + 41 }, token)).toHaveLength(least + 41);
    expect(() => buildFrame({ ...one, size: least - 1 }, token)).toThrow(/needs/);
  });

  it('of a sweep has another source in each frame', () => {
    const many = buildFrames(spec('source-sweep', 'raw'), tokensFor(key, runTag, 7, 3));
    expect([0, 1, 2].map((i) => describeFrame(many.subarray(i * 60, (i + 1) * 60))?.srcMac)).toEqual([
      '06:78:00:00:00:07',
      '06:78:00:00:00:08',
      '06:78:00:00:00:09',
    ]);
  });

  it.skipIf(!available('tcpdump'))('is what its tcpdump line says', () => {
    const text = runOn(capture(table.map(([one]) => buildFrame(one, token))), 'tcpdump', [
      '-r',
      'FILE',
      '-nevvt',
    ]).stdout;
    const lines = text.replaceAll(/\n\s+/g, ' ').trim().split('\n');
    expect(lines).toHaveLength(table.length);
    table.forEach(([, line], i) => {
      expect(lines[i]).toMatch(line);
      expect(lines[i]).not.toMatch(/bad|wrong|incorrect|truncated|invalid/);
    });
  });

  it.skipIf(!available('tcpdump'))(
    'passes the filter of its run, with a tag more or less as well, and no frame of others does',
    () => {
      const filter = filterByToken([rawControl(ingressMac), ...table.map(([one]) => one)], runTag);
      const tagged = (frame: Uint8Array): Uint8Array =>
        concat(frame.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 10), frame.subarray(12));
      const untagged = (frame: Uint8Array): Uint8Array => concat(frame.subarray(0, 12), frame.subarray(16));
      const own = [...table.map(([one]) => buildFrame(one, token)), buildFrame(rawControl(ingressMac), token)];
      const shifted = [
        ...own.map(tagged),
        ...table.filter(([one]) => one.vlan.length > 0).map(([one]) => untagged(buildFrame(one, token))),
      ];
      const passing = (frames: readonly Uint8Array[]): number =>
        runOn(capture(frames), 'tcpdump', ['-r', 'FILE', '-nt', '--count', filter]).stdout.split(' ').map(Number)[0] ??
        -1;
      expect([own, shifted].map(passing)).toEqual([own.length, shifted.length]);
      const others = [
        ...table.map(([one]) => buildFrame(one, tokensFor(key, runTag + 1, 42, 1))),
        new Uint8Array(60),
        new Uint8Array(1514).fill(0x12),
        new Uint8Array(20),
      ];
      expect(passing(others)).toBe(0);
    },
  );

  it.skipIf(!available('tshark'))('is whole at every layer in the eyes of tshark', () => {
    const frames = table.flatMap(([one]) =>
      [0, 1, 40].flatMap((more) =>
        [0, 77_777].map((index) => buildFrame({ ...one, size: one.size + more }, tokensFor(key, runTag, index, 1))),
      ),
    );
    const checks = ['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
    const { stdout, status } = runOn(capture(frames), 'tshark', [
      '-r',
      'FILE',
      '-n',
      ...checks,
      '-T',
      'fields',
      '-e',
      'frame.number',
      '-e',
      '_ws.malformed',
      '-e',
      '_ws.expert.message',
    ]);
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(frames.length);
    expect(stdout).not.toMatch(/malformed|checksum|bad|exceeds|bogus|truncat/i);
  });
});
