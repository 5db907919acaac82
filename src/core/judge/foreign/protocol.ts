import { etherTypes } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { icmpTypes } from '../../wire/icmp.js';
import { ipProtocols, parseIpv4 } from '../../wire/ipv4.js';
import { parseIpv6 } from '../../wire/ipv6.js';
import { readU16 } from '../../wire/bytes.js';
import { parseTcp, tcpFlags } from '../../wire/tcp.js';
import { parseUdp } from '../../wire/udp.js';

/** The contents of a foreign frame. */
export interface ForeignProtocol {
  /** `TCP 80`, `UDP 53`, `ICMP`, `ARP`, `0x88b5`. The lower port names the service. */
  readonly name: string;
  /** The frame proves that the addressee had sent to the source. */
  readonly answers: boolean;
  /** Captured data behind the headers, without padding, encrypted or not. */
  readonly payloadBytes: number;
}

const names: Readonly<Record<number, string>> = { 2: 'IGMP', 47: 'GRE', 50: 'ESP', 51: 'AH', 89: 'OSPF', 132: 'SCTP' };

/** Higher ports name no service: each connection would have a row. */
const highestService = 49_151;

function service(protocol: string, a: number, b: number): string {
  const lower = Math.min(a, b);
  return lower > highestService ? protocol : `${protocol} ${lower}`;
}

/** Operation 2 is a reply (RFC 826). */
function arp(bytes: Uint8Array, view: FrameView): ForeignProtocol {
  return { name: 'ARP', answers: view.srcIpAt >= 0 && bytes[view.srcIpAt - 7] === 2, payloadBytes: 0 };
}

function transport(
  bytes: Uint8Array,
  end: number,
  view: FrameView,
  payloadAt: number,
): Omit<ForeignProtocol, 'payloadBytes'> {
  switch (view.protocol) {
    case ipProtocols.tcp: {
      const tcp = parseTcp(bytes, payloadAt, end);
      return tcp === null
        ? { name: 'TCP', answers: false }
        : { name: service('TCP', tcp.srcPort, tcp.dstPort), answers: (tcp.flags & tcpFlags.ack) !== 0 };
    }
    case ipProtocols.udp: {
      const udp = parseUdp(bytes, payloadAt, end);
      return { name: udp === null ? 'UDP' : service('UDP', udp.srcPort, udp.dstPort), answers: false };
    }
    case ipProtocols.icmp:
      return { name: 'ICMP', answers: view.icmpType === icmpTypes.echoReply };
    case ipProtocols.icmpv6:
      return { name: 'ICMPv6', answers: view.icmpType === icmpTypes.echoReplyV6 };
    default:
      return { name: names[view.protocol] ?? `IP protocol ${view.protocol}`, answers: false };
  }
}

/** IPv4 with TCP or UDP and nothing unusual, as numbers. */
export interface QuickProtocol {
  /** Protocol and lower port for `quickName`. Port 0 = both above the services. */
  key: number;
  answers: boolean;
  payloadBytes: number;
}

function isPlainIpv4(bytes: Uint8Array, start: number): boolean {
  const ip = start + 14;
  return (
    readU16(bytes, start + 12) === etherTypes.ipv4 && bytes[ip] === 0x45 && (readU16(bytes, ip + 6) & 0x1fff) === 0
  );
}

/** Reads into `quick` without allocating. False = unusual, for `foreignProtocol`, with which it agrees. */
export function readQuickly(bytes: Uint8Array, start: number, end: number, quick: QuickProtocol): boolean {
  const ip = start + 14;
  if (!isPlainIpv4(bytes, start)) return false;
  const protocol = bytes[ip + 9] ?? 0;
  const ipEnd = ip + readU16(bytes, ip + 2);
  const dataEnd = ipEnd < end ? ipEnd : end;
  const at = ip + 20;
  let data = at + 8;
  quick.answers = false;
  if (protocol === ipProtocols.tcp) {
    const header = ((bytes[at + 12] ?? 0) >> 4) * 4;
    data = at + header;
    if (header < 20) return false;
    quick.answers = ((bytes[at + 13] ?? 0) & tcpFlags.ack) !== 0;
  } else if (protocol !== ipProtocols.udp) return false;
  if (data > dataEnd) return false; // the frame ends within its headers, wherever they were read
  const a = readU16(bytes, at);
  const b = readU16(bytes, at + 2);
  const lower = a < b ? a : b;
  if (lower === 0) return false;
  quick.key = (protocol << 16) | (lower > highestService ? 0 : lower);
  quick.payloadBytes = dataEnd - data;
  return true;
}

/** Gives `foreignProtocol`'s name for this key. */
export function quickName(key: number): string {
  const port = key & 0xffff;
  const protocol = key >>> 16 === ipProtocols.tcp ? 'TCP' : 'UDP';
  return port === 0 ? protocol : `${protocol} ${port}`;
}

/** For a cut frame, by the rest. */
export function foreignProtocol(bytes: Uint8Array, end: number, view: FrameView): ForeignProtocol {
  if (view.etherType === etherTypes.arp) return arp(bytes, view);
  if (view.ipVersion === 0) {
    return {
      name: view.etherType < 0x600 ? 'LLC' : `0x${view.etherType.toString(16).padStart(4, '0')}`,
      answers: false,
      payloadBytes: Math.max(0, end - view.payloadAt),
    };
  }
  // Both headers have fixed address offsets: 12 bytes in IPv4, 8 in IPv6.
  const ip = view.ipVersion === 4 ? parseIpv4(bytes, view.srcIpAt - 12, end) : parseIpv6(bytes, view.srcIpAt - 8, end);
  if (ip === null) return { name: `IPv${view.ipVersion}`, answers: false, payloadBytes: 0 };
  const payloadBytes = Math.max(0, ip.payloadEnd - view.payloadAt);
  return ip.laterFragment
    ? { name: `IPv${view.ipVersion} fragment`, answers: false, payloadBytes }
    : { ...transport(bytes, end, view, ip.payloadAt), payloadBytes };
}
