import type { FrameSpec } from '../../model/plan.js';
import type { Carrier } from '../../model/scenario.js';
import { arpLength, arpOperations, writeArp } from '../../wire/arp.js';
import { ethernetLength, etherTypes, macLength, writeEthernet } from '../../wire/ethernet.js';
import { icmpLength } from '../../wire/icmp.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../wire/ipv4.js';
import { ipv6Length, writeIpv6 } from '../../wire/ipv6.js';
import { pseudoHeaderSum, sumOf } from '../../wire/bytes.js';
import { tcpLength } from '../../wire/tcp.js';
import { tokenLength } from '../../wire/token.js';
import { udpLength } from '../../wire/udp.js';
import { tagTypes, vlanTagLength, writeTags } from '../../wire/vlan.js';
import { addressOf, etherTypeOf, macBytesOf, probeHopLimit, protocolOf, unbuildable, writeTransport } from './parts.js';
import type { FrameTemplate } from './template.js';

/** What a FrameSpec does not say. */
export interface FrameOptions {
  /** Types of the tags, outermost first; default 0x8100 throughout. */
  readonly tagTypes?: readonly number[];
}

/** Bytes between the Ethernet header with its tags and the token. */
function headersLength(carrier: Carrier): number {
  switch (carrier) {
    case 'raw':
      return 0;
    case 'arp':
      return arpLength;
    case 'ipv4-udp':
      return ipv4Length + udpLength;
    case 'ipv4-tcp':
      return ipv4Length + tcpLength;
    case 'ipv4-icmp':
      return ipv4Length + icmpLength;
    case 'ipv6-udp':
      return ipv6Length + udpLength;
    case 'ipv6-icmp':
      return ipv6Length + icmpLength;
  }
}

/** Where the token stands in a frame of this form. */
export function tokenOffset(carrier: Carrier, vlanDepth: number): number {
  return ethernetLength + vlanDepth * vlanTagLength + headersLength(carrier);
}

/**
 * Bytes that a frame of this form needs for its headers and a token; Ethernet's own minimum (60 without FCS) is not in
 * it.
 */
export function leastSize(carrier: Carrier, vlanDepth: number): number {
  return tokenOffset(carrier, vlanDepth) + tokenLength;
}

function checkSpec(spec: FrameSpec): void {
  const least = leastSize(spec.carrier, spec.vlan.length);
  if (!Number.isInteger(spec.size) || spec.size < least || spec.size > 65_535)
    throw unbuildable(spec, `has ${spec.size} bytes, it needs ${least} to 65535`);
  if (!spec.vlan.every((id) => Number.isInteger(id) && id >= 0 && id <= 4095))
    throw unbuildable(spec, `has a VLAN id out of 0 to 4095: ${spec.vlan.join(', ')}`);
}

/**
 * A frame of the form without its token: valid at every layer once stamped. `size` is reached with zeros behind the
 * token, inside the innermost payload. IPv4: TTL 64, identification 0, Don't Fragment. TCP: a SYN with the token as its
 * data (RFC 9293 3.10.7.2 queues it), so that a stateful filter takes it for a new connection. ARP: a request; `srcIp`
 * null makes it an ARP probe (RFC 5227 2.1.1). Throws VerifyError `frame-unbuildable` where the spec lacks an address,
 * has a malformed one, or is too small.
 */
export function plainTemplate(spec: FrameSpec, options: FrameOptions = {}): FrameTemplate {
  const { carrier } = spec;
  checkSpec(spec);
  const bytes = new Uint8Array(spec.size);
  const srcMac = macBytesOf(spec, spec.srcMac);
  const etherType = etherTypeOf(carrier);
  const afterMacs = writeEthernet(bytes, 0, { dstMac: macBytesOf(spec, spec.dstMac), srcMac, etherType }) - 2;
  const bodyAt = writeTags(bytes, afterMacs, spec.vlan, options.tagTypes ?? tagTypes(spec.vlan.length), etherType);
  const tokenAt = tokenOffset(carrier, spec.vlan.length);
  const template = { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 } as const;
  if (carrier === 'raw') return template;
  if (carrier === 'arp') {
    const senderIp = spec.srcIp === null ? new Uint8Array(4) : addressOf(spec, spec.srcIp, 4);
    writeArp(bytes, bodyAt, {
      operation: arpOperations.request,
      senderMac: srcMac,
      senderIp,
      targetMac: new Uint8Array(macLength),
      targetIp: addressOf(spec, spec.dstIp, 4),
    });
    return template;
  }
  const version = etherType === etherTypes.ipv4 ? 4 : 6;
  const protocol = protocolOf(carrier);
  const payloadLength = spec.size - bodyAt - (version === 4 ? ipv4Length : ipv6Length);
  const ip = {
    src: addressOf(spec, spec.srcIp, version),
    dst: addressOf(spec, spec.dstIp, version),
    protocol,
    hopLimit: probeHopLimit,
    payloadLength,
  };
  const transportAt = version === 4 ? writeIpv4(bytes, bodyAt, ip) : writeIpv6(bytes, bodyAt, ip);
  const checksumAt = transportAt + writeTransport(carrier, bytes, transportAt, payloadLength);
  // ICMP for IPv4 is the only one whose checksum does not cover the addresses (RFC 792).
  const pseudo =
    carrier === 'ipv4-icmp'
      ? 0
      : pseudoHeaderSum(bytes, bodyAt + (version === 4 ? 12 : 8), version === 4 ? 4 : 16, protocol, payloadLength);
  return {
    bytes,
    tokenAt,
    checksumAt,
    sum: pseudo + sumOf(bytes, transportAt, spec.size),
    zeroAs: protocol === ipProtocols.udp ? 0xffff : 0,
  };
}
