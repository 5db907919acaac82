import { type FrameForm, type FrameSpec } from '../../../src/core/model/plan.js';
import type { Carrier } from '../../../src/core/model/scenario.js';
import { leastSizeOf } from '../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../src/core/wire/token.js';

export const key = new Uint8Array(32).fill(9);
export const runTag = 0x12345678;
export const token = tokensFor(key, runTag, 42, 1);

export function spec(form: FrameForm, carrier: Carrier, over: Partial<FrameSpec> = {}): FrameSpec {
  const addresses = carrier.startsWith('ipv6') ? ['2001:db8::20', '2001:db8::c8'] : ['192.168.0.20', '192.168.0.200'];
  const ip = carrier === 'raw' ? [null, null] : addresses;
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
export const table: readonly (readonly [FrameSpec, RegExp])[] = [
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
    spec('unreachable', 'ipv4-icmp'),
    /ttl 1, .*ICMP host 192\.168\.0\.20 unreachable, .*192\.168\.0\.200\.54858 > 192\.168\.0\.20\.54857: .*UDP, length 18/s,
  ],
  [
    spec('unreachable', 'ipv6-icmp'),
    /hlim 1, .*\[icmp6 sum ok\] ICMP6, destination unreachable, unreachable address 2001:db8::20/,
  ],
  [
    spec('bpdu', 'raw', { dstMac: '01:80:c2:00:00:00' }),
    /STP 802\.1d, Config, .*message-age 15\.00s, max-age 20\.00s.*root-id 0000\.52:54:00:85:20:d1, root-pathcost 0/,
  ],
];
