import { etherTypes } from '../wire/ethernet.js';
import type { FrameView } from '../wire/frame-view.js';
import { icmpTypes } from '../wire/icmp.js';
import { ipProtocols, parseIpv4 } from '../wire/ipv4.js';
import { parseIpv6 } from '../wire/ipv6.js';
import { parseTcp, tcpFlags } from '../wire/tcp.js';
import { parseUdp } from '../wire/udp.js';

/** What a foreign frame carries. */
export interface ForeignProtocol {
  /** As `TCP 80`, `UDP 53`, `ICMP`, `ARP`, `0x88b5`; the lower port stands for the service. */
  readonly name: string;
  /** It answers or acknowledges frames of the addressee: proof that the addressee has sent to the source. */
  readonly answers: boolean;
  /** Octets of data behind the headers that the capture holds, without padding: what the listener could read, encrypted or not. */
  readonly payloadOctets: number;
}

const names: Readonly<Record<number, string>> = { 2: 'IGMP', 47: 'GRE', 50: 'ESP', 51: 'AH', 89: 'OSPF', 132: 'SCTP' };

/** Ports up to here name a service; two higher ones name none, or each connection would be a row of its own. */
const highestService = 49_151;

function service(protocol: string, a: number, b: number): string {
  const lower = Math.min(a, b);
  return lower > highestService ? protocol : `${protocol} ${lower}`;
}

/** ARP operation 2 is a reply (RFC 826). */
function arp(bytes: Uint8Array, view: FrameView): ForeignProtocol {
  return { name: 'ARP', answers: view.srcIpAt >= 0 && bytes[view.srcIpAt - 7] === 2, payloadOctets: 0 };
}

function transport(bytes: Uint8Array, end: number, view: FrameView, payloadAt: number): Omit<ForeignProtocol, 'payloadOctets'> {
  switch (view.protocol) {
    case ipProtocols.tcp: {
      const tcp = parseTcp(bytes, payloadAt, end);
      return tcp === null ? { name: 'TCP', answers: false } : { name: service('TCP', tcp.srcPort, tcp.dstPort), answers: (tcp.flags & tcpFlags.ack) !== 0 };
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

/** Name and meaning of what a frame carries. Total: what is cut off is named by what is left. */
export function foreignProtocol(bytes: Uint8Array, end: number, view: FrameView): ForeignProtocol {
  if (view.etherType === etherTypes.arp) return arp(bytes, view);
  if (view.ipVersion === 0) {
    return { name: view.etherType < 0x600 ? 'LLC' : `0x${view.etherType.toString(16).padStart(4, '0')}`, answers: false, payloadOctets: Math.max(0, end - view.payloadAt) };
  }
  // The addresses of both headers stand at fixed places: 12 octets into IPv4's, 8 into IPv6's.
  const ip = view.ipVersion === 4 ? parseIpv4(bytes, view.srcIpAt - 12, end) : parseIpv6(bytes, view.srcIpAt - 8, end);
  if (ip === null) return { name: `IPv${view.ipVersion}`, answers: false, payloadOctets: 0 };
  const payloadOctets = Math.max(0, ip.payloadEnd - view.payloadAt);
  return ip.laterFragment ? { name: `IPv${view.ipVersion} fragment`, answers: false, payloadOctets } : { ...transport(bytes, end, view, ip.payloadAt), payloadOctets };
}
