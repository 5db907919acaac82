import type { FrameSpec } from '../model/plan.js';
import type { Carrier } from '../model/scenario.js';
import { VerifyError } from '../model/verify-error.js';
import { arpLength, arpOperations, writeArp } from '../wire/arp.js';
import { checksumOf, pseudoHeaderSum, sumOf } from '../wire/checksum.js';
import { ethernetLength, etherTypes, macBytes, macLength, writeEthernet } from '../wire/ethernet.js';
import { icmpLength, icmpTypes, writeEcho } from '../wire/icmp.js';
import { ipProtocols, ipv4Bytes, ipv4Length, writeIpv4 } from '../wire/ipv4.js';
import { ipv6Bytes, ipv6Length, writeIpv6 } from '../wire/ipv6.js';
import { writeU16 } from '../wire/octets.js';
import { tcpFlags, tcpLength, writeTcp } from '../wire/tcp.js';
import { tokenLength } from '../wire/token.js';
import { udpLength, writeUdp } from '../wire/udp.js';
import { vlanTagLength, tagTypes, writeTags } from '../wire/vlan.js';

export { describeFrame, viewFrame } from '../wire/frame-view.js';
export type { FrameView, ParsedFrame } from '../wire/frame-view.js';

/**
 * Ports of UDP and TCP probes, of the dynamic range (RFC 6335 6) so that no service is behind them, and so that a filter can name
 * them. Also the identifier of echo requests.
 */
export const probePorts = { src: 0xd649, dst: 0xd64a } as const;
export const probeHopLimit = 64;

/** What a FrameSpec does not say. */
export interface FrameOptions {
  /** Types of the tags, outermost first; default 0x8100, and 0x88a8 for the outermost of several. */
  readonly tagTypes?: readonly number[];
}

/** Octets between the Ethernet header with its tags and the token. */
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

/** Octets that a frame of this form needs for its headers and a token; Ethernet's own minimum (60 without FCS) is not in it. */
export function leastSize(carrier: Carrier, vlanDepth: number): number {
  return tokenOffset(carrier, vlanDepth) + tokenLength;
}

/** A frame without its token, and what is needed to put one in. */
export interface FrameTemplate {
  readonly bytes: Uint8Array;
  readonly tokenAt: number;
  /** Offset of the transport checksum, -1 where the form has none. */
  readonly checksumAt: number;
  /** Sum of all that the transport checksum covers, without the token. */
  readonly sum: number;
  /** What stands for a checksum of 0: 0xffff in UDP, where 0 means none (RFC 768), else 0. */
  readonly zeroAs: 0 | 0xffff;
}

/**
 * A frame of the form without its token: valid at every layer once stamped. `size` is reached with zeros behind the token, inside the
 * innermost payload. IPv4: TTL 64, identification 0, Don't Fragment. TCP: a SYN with the token as its data (RFC 9293 3.10.7.2 queues
 * it), so that a stateful filter takes it for a new connection. ARP: a request; `srcIp` null makes it an ARP probe (RFC 5227 2.1.1).
 * Throws VerifyError `frame-unbuildable` where the spec lacks an address, has a malformed one, or is too small.
 */
export function frameTemplate(spec: FrameSpec, options: FrameOptions = {}): FrameTemplate {
  const { carrier } = spec;
  const least = leastSize(carrier, spec.vlan.length);
  if (!Number.isInteger(spec.size) || spec.size < least || spec.size > 65_535) throw unbuildable(spec, `has ${spec.size} octets, it needs ${least} to 65535`);
  if (!spec.vlan.every((id) => Number.isInteger(id) && id >= 0 && id <= 4095)) throw unbuildable(spec, `has a VLAN id out of 0 to 4095: ${spec.vlan.join(', ')}`);
  const bytes = new Uint8Array(spec.size);
  const srcMac = macOf(spec, spec.srcMac);
  const etherType = etherTypeOf(carrier);
  const afterMacs = writeEthernet(bytes, 0, { dstMac: macOf(spec, spec.dstMac), srcMac, etherType }) - 2;
  const bodyAt = writeTags(bytes, afterMacs, spec.vlan, options.tagTypes ?? tagTypes(spec.vlan.length), etherType);
  const tokenAt = tokenOffset(carrier, spec.vlan.length);
  const template = { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 } as const;
  if (carrier === 'raw') return template;
  if (carrier === 'arp') {
    const senderIp = spec.srcIp === null ? new Uint8Array(4) : addressOf(spec, spec.srcIp, 4);
    writeArp(bytes, bodyAt, { operation: arpOperations.request, senderMac: srcMac, senderIp, targetMac: new Uint8Array(macLength), targetIp: addressOf(spec, spec.dstIp, 4) });
    return template;
  }
  const version = etherType === etherTypes.ipv4 ? 4 : 6;
  const protocol = protocolOf(carrier);
  const payloadLength = spec.size - bodyAt - (version === 4 ? ipv4Length : ipv6Length);
  const ip = { src: addressOf(spec, spec.srcIp, version), dst: addressOf(spec, spec.dstIp, version), protocol, hopLimit: probeHopLimit, payloadLength };
  const transportAt = version === 4 ? writeIpv4(bytes, bodyAt, ip) : writeIpv6(bytes, bodyAt, ip);
  const checksumAt = transportAt + writeTransport(carrier, bytes, transportAt, payloadLength);
  // ICMP for IPv4 is the only one whose checksum does not cover the addresses (RFC 792).
  const pseudo = carrier === 'ipv4-icmp' ? 0 : pseudoHeaderSum(bytes, bodyAt + (version === 4 ? 12 : 8), version === 4 ? 4 : 16, protocol, payloadLength);
  return { bytes, tokenAt, checksumAt, sum: pseudo + sumOf(bytes, transportAt, spec.size), zeroAs: protocol === ipProtocols.udp ? 0xffff : 0 };
}

/** Writes the frame with the token at `tokens[from, from + 18)` to `out` at `at`; `out` must have room (RangeError otherwise). */
export function stampToken(template: FrameTemplate, out: Uint8Array, at: number, tokens: Uint8Array, from = 0): void {
  out.set(template.bytes, at);
  const target = at + template.tokenAt;
  for (let i = 0; i < tokenLength; i += 1) out[target + i] = tokens[from + i] ?? 0;
  if (template.checksumAt < 0) return;
  // Every header in front has an even length, so the token's octets are whole words of the sum.
  const checksum = checksumOf(template.sum + sumOf(tokens, from, from + tokenLength));
  writeU16(out, at + template.checksumAt, checksum === 0 ? template.zeroAs : checksum);
}

/** One frame of the form with its token (18 octets). Throws as `frameTemplate`. */
export function buildFrame(spec: FrameSpec, token: Uint8Array, options: FrameOptions = {}): Uint8Array {
  if (token.length !== tokenLength) throw new RangeError(`a token has ${tokenLength} octets, not ${token.length}`);
  const template = frameTemplate(spec, options);
  stampToken(template, template.bytes, 0, token);
  return template.bytes;
}

/** As many frames of one form as there are tokens, one after the other: what a `send` message carries. */
export function buildFrames(spec: FrameSpec, tokens: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const template = frameTemplate(spec, options);
  const count = Math.floor(tokens.length / tokenLength);
  const out = new Uint8Array(count * spec.size);
  for (let i = 0; i < count; i += 1) stampToken(template, out, i * spec.size, tokens, i * tokenLength);
  return out;
}

/** Writes the transport header with a zero checksum; returns where in it the checksum is. */
function writeTransport(carrier: Exclude<Carrier, 'raw' | 'arp'>, bytes: Uint8Array, at: number, length: number): number {
  const ports = { srcPort: probePorts.src, dstPort: probePorts.dst };
  switch (carrier) {
    case 'ipv4-udp':
    case 'ipv6-udp':
      writeUdp(bytes, at, { ...ports, payloadLength: length - udpLength });
      return 6;
    case 'ipv4-tcp':
      writeTcp(bytes, at, { ...ports, sequence: 0, flags: tcpFlags.syn, window: 0xffff });
      return 16;
    case 'ipv4-icmp':
    case 'ipv6-icmp':
      writeEcho(bytes, at, { type: carrier === 'ipv4-icmp' ? icmpTypes.echoRequest : icmpTypes.echoRequestV6, identifier: probePorts.src, sequence: 1 });
      return 2;
  }
}

function etherTypeOf(carrier: Carrier): number {
  if (carrier === 'raw') return etherTypes.experimental;
  if (carrier === 'arp') return etherTypes.arp;
  return carrier === 'ipv6-udp' || carrier === 'ipv6-icmp' ? etherTypes.ipv6 : etherTypes.ipv4;
}

function protocolOf(carrier: Exclude<Carrier, 'raw' | 'arp'>): number {
  switch (carrier) {
    case 'ipv4-udp':
    case 'ipv6-udp':
      return ipProtocols.udp;
    case 'ipv4-tcp':
      return ipProtocols.tcp;
    case 'ipv4-icmp':
      return ipProtocols.icmp;
    case 'ipv6-icmp':
      return ipProtocols.icmpv6;
  }
}

function macOf(spec: FrameSpec, text: string): Uint8Array {
  const bytes = macBytes(text);
  if (bytes === null) throw unbuildable(spec, `has a malformed MAC: ${JSON.stringify(text)}`);
  return bytes;
}

function addressOf(spec: FrameSpec, text: string | null, version: 4 | 6): Uint8Array {
  const bytes = text === null ? null : version === 4 ? ipv4Bytes(text) : ipv6Bytes(text);
  if (bytes === null) throw unbuildable(spec, text === null ? `lacks an IPv${version} address` : `has ${JSON.stringify(text)} where an IPv${version} address belongs`);
  return bytes;
}

function unbuildable(spec: FrameSpec, what: string): VerifyError {
  return new VerifyError('frame-unbuildable', 64, `a frame ${spec.carrier} from ${spec.srcMac} to ${spec.dstMac} ${what}`, 'give the two ends an address of the carrier\'s family, or choose other carriers, VLANs or a larger size');
}
