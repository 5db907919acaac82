// The corpus of captures that others recorded: what is in each, and by hand what has to be told of it. `node
// test/captures/make-foreign.mjs` writes it into captures/.
import { arp, fragment, gz, hosts, pcap, pcapng, raw, tcp, udp, udp6 } from './frames.mjs';

const { kali2, kali3, lan, winxp } = hosts;
const own = [
  tcp(kali3, lan, { data: 'GET / HTTP/1.1' }),
  tcp(lan, kali3, { data: 'HTTP/1.1 200', ports: [80, 40_000] }),
  arp(lan, kali3, 1),
];
/** The listener's own question, so that the capture has its MAC. */
const said = arp(kali3, lan, 1);
const bothWays = Array.from({ length: 5 }, () => [
  tcp(kali2, lan, { data: 'secret' }),
  tcp(lan, kali2, { data: 'answer', ports: [80, 40_000] }),
]).flat();
const oneWay = Array.from({ length: 8 }, () => tcp(lan, winxp, { data: 'answer', ports: [80, 40_000] }));
const listener = ['--mac', kali3.mac];
const found = (foreign, more = {}) => ({ exit: 2, foreign, reasons: [], ...more });
const nothing = { exit: 0, foreign: 0, reasons: [], ways: [] };
const open = (reasons, more = {}) => ({ exit: 3, foreign: 0, reasons, ways: [], ...more });
const one = (bytes, expect, why, name = 'guest.pcap', args = listener) => ({
  files: { [name]: bytes },
  args: [name, ...args],
  expect,
  why,
});

/** By name of the case's folder. `ways`: of each pair, in the order of the report. */
export const foreignCases = {
  'foreign-none': one(pcap(own), nothing, 'a guest that hears only what is its own, and a broadcast'),
  'foreign-both-ways': one(
    pcap([...own, ...bothWays]),
    found(10, { ways: ['both'] }),
    'a bridge with ageing time 0: both directions of a conversation of others',
  ),
  'foreign-one-way-answers': one(
    pcap([...own, ...oneWay]),
    found(8, { ways: ['one'], otherWayExists: true }),
    'as behind a bridged bridge: LAN → winxp alone, and its TCP acknowledges what was not heard',
  ),
  'foreign-one-way-silent': one(
    pcap([said, raw(kali2, winxp), raw(kali2, winxp)]),
    found(2, { ways: ['one'], otherWayExists: false }),
    'unknown unicast: nobody ever answers',
  ),
  'foreign-other-mac': one(
    pcap(bothWays),
    open(['nothing-to-hear'], { foreign: 10 }),
    'a MAC that no frame has: the capture is of another port, or the MAC is mistyped',
  ),
  'foreign-arp-reply': one(
    pcap([said, arp(lan, kali2, 2)]),
    found(1, { ways: ['one'], otherWayExists: true }),
    'a unicast ARP reply: somebody asked',
  ),
  'foreign-vlan': one(
    pcap([said, tcp(kali2, lan, { data: 'secret', vlan: [20] })]),
    found(1, { ways: ['one'], protocols: ['TCP 80'] }),
    'foreign unicast behind one VLAN tag',
  ),
  'foreign-vlan-stacked': one(
    pcap([said, udp(kali2, lan, { vlan: [20, 30] })]),
    found(1, { ways: ['one'], protocols: ['UDP 53'] }),
    'foreign unicast behind an 802.1ad and an 802.1Q tag',
  ),
  'foreign-ipv6': one(
    pcap([said, udp6(kali2, lan)]),
    found(1, { ways: ['one'], protocols: ['UDP 53'] }),
    'foreign unicast over IPv6',
  ),
  'foreign-fragment': one(
    pcap([said, udp(kali2, lan), fragment(kali2, lan)]),
    found(2, { ways: ['one'], protocols: ['IPv4 fragment', 'UDP 53'] }),
    'a later fragment has no ports',
  ),
  'foreign-nanoseconds': one(
    pcap([...own, ...bothWays], { nano: true }),
    found(10, { ways: ['both'] }),
    'pcap with nanoseconds',
  ),
  'foreign-big-endian': one(
    pcap([...own, ...bothWays], { big: true }),
    found(10, { ways: ['both'] }),
    'pcap written on a big-endian machine',
  ),
  'foreign-big-endian-nanoseconds': one(
    pcap([...own, ...bothWays], { big: true, nano: true }),
    found(10, { ways: ['both'] }),
    'the same with nanoseconds',
  ),
  'foreign-pcapng': one(
    pcapng([...own, ...bothWays]),
    found(10, { ways: ['both'] }),
    'pcapng in microseconds, as dumpcap writes',
    'guest.pcapng',
  ),
  'foreign-pcapng-big-endian': one(
    pcapng([...own, ...bothWays], { big: true }),
    found(10, { ways: ['both'] }),
    'pcapng written on a big-endian machine',
    'guest.pcapng',
  ),
  'foreign-pcapng-sections': one(
    Buffer.concat([pcapng(own), pcapng(oneWay, { big: true })]),
    found(8, { ways: ['one'], otherWayExists: true }),
    'two sections of different byte order, as `cat` makes',
    'guest.pcapng',
  ),
  'foreign-pcapng-simple': one(
    pcapng([said, raw(kali2, lan)], { simple: true }),
    found(1, { ways: ['one'] }),
    'simple packet blocks: no times',
    'guest.pcapng',
  ),
  'foreign-gzip': one(
    gz(pcap([...own, ...bothWays])),
    found(10, { ways: ['both'] }),
    'compressed with gzip',
    'guest.pcap.gz',
  ),
  'foreign-gzip-cut': one(
    gz(
      pcap([...bothWays, ...Array.from({ length: 40 }, (_, i) => udp(kali3, lan, { data: String(i * i * 7919) }))]),
    ).subarray(0, 420),
    { exit: 2, reasons: ['capture-damaged'], ways: ['both'] },
    'compressed and cut off: what came before is told',
    'guest.pcap.gz',
  ),
  'foreign-gzip-nested': one(
    gz(gz(pcap(bothWays))),
    open(['capture-damaged', 'nothing-to-hear']),
    'compressed twice: read once only',
    'guest.pcap.gz',
  ),
  'foreign-headers-only': one(
    pcap([said, tcp(kali2, lan, { data: 'secret' })], { snaplen: 54 }),
    found(1, { ways: ['one'], payloadOctets: 0 }),
    'cut to headers: no data readable',
  ),
  'foreign-cut-after': one(
    pcap([...own, ...oneWay, ...own]).subarray(0, -9),
    found(8, { reasons: ['capture-damaged'], ways: ['one'], otherWayExists: true }),
    'cut off after the leak: found, and the damage told',
  ),
  'foreign-cut-before': one(
    pcap([...own, ...oneWay]).subarray(0, 150),
    open(['capture-damaged']),
    'cut off before the leak: never "none"',
  ),
  'foreign-length-lies': one(
    Buffer.concat([pcap([...own, ...oneWay]), Buffer.alloc(16, 0xff)]),
    found(8, { reasons: ['capture-damaged'], ways: ['one'], otherWayExists: true }),
    'a record that claims 4 GiB, behind the leak',
  ),
  'foreign-empty': one(Buffer.alloc(0), open(['capture-damaged', 'nothing-to-hear']), 'an empty file'),
  'foreign-no-frames': one(pcap([]), open(['nothing-to-hear']), 'a whole capture without one frame: a deaf ear'),
  'foreign-no-capture': one(
    Buffer.from('Frame 1: 60 bytes on wire\n'),
    open(['capture-damaged', 'nothing-to-hear']),
    'a text file',
  ),
  'foreign-cooked': one(
    pcap([Buffer.alloc(60, 1)], { linkType: 113 }),
    open(['evidence-incomplete', 'nothing-to-hear']),
    'from `tcpdump -i any`: the destination MAC is not in it',
  ),
  'foreign-runt': one(
    pcap([...own, raw(kali2, lan).subarray(0, 9)]),
    open(['evidence-incomplete']),
    'a frame that ends before its source address',
  ),
  'foreign-two-macs': one(pcap([...own, raw(lan, winxp)]), nothing, 'one guest with two MACs', 'guest.pcap', [
    ...listener,
    '--mac',
    winxp.mac,
  ]),
  'foreign-two-files': {
    files: { 'morning.pcap': pcap(own), 'evening.pcapng.gz': gz(pcapng(oneWay)) },
    args: ['morning.pcap', 'evening.pcapng.gz', ...listener],
    expect: found(8, { ways: ['one'], otherWayExists: true }),
    why: 'two captures of one guest, in different forms',
  },
  'foreign-by-scenario': {
    files: {
      'kali3.pcap': pcap([...own, ...oneWay]),
      'lan.pcapng': pcapng([...own, ...oneWay, raw(lan, { mac: '02:00:00:00:00:77' })]),
    },
    args: [
      '--scenario',
      '../../scenarios/wireshark-experiment.yml',
      '--observer',
      'kali3=kali3.pcap',
      '--observer',
      'lan=lan.pcapng',
    ],
    expect: found(8, { ways: ['one'], otherWayExists: true }),
    why: 'captures of two endpoints of a scenario; the talkers are named, and what passes an uplink is not foreign there',
  },
};
