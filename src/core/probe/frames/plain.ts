import type { FrameSpec } from '../../model/plan.js';
import type { Carrier } from '../../model/scenario.js';
import { arpLength, arpOperations, writeArp } from '../../wire/arp.js';
import { ethernetLength, etherTypes, macLength, writeEthernet } from '../../wire/ethernet.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../wire/ipv4.js';
import { ipv6Length, writeIpv6 } from '../../wire/ipv6.js';
import { pseudoHeaderSum, sumOf } from '../../wire/bytes.js';
import { tokenLength } from '../../wire/token.js';
import { tagTypes, vlanTagLength, writeTags } from '../../wire/vlan.js';
import { addressOf, etherTypeOf, macBytesOf, probeHopLimit, protocolOf, transportOf, unbuildable } from './parts.js';
import type { FrameTemplate } from './template.js';

export interface FrameOptions {
  /** Outermost first; default 0x8100 throughout. */
  readonly tagTypes?: readonly number[];
}

function headersLength(carrier: Carrier, protocol: number | undefined): number {
  if (carrier === 'raw') return 0;
  if (carrier === 'arp') return arpLength;
  const ipLength = etherTypeOf(carrier) === etherTypes.ipv4 ? ipv4Length : ipv6Length;
  return ipLength + (transportOf(protocol ?? protocolOf(carrier))?.length ?? 0);
}

/** Offset of the token; `protocol`: of IP, if not the carrier's. */
export function tokenOffset(carrier: Carrier, vlanDepth: number, protocol?: number): number {
  return ethernetLength + vlanDepth * vlanTagLength + headersLength(carrier, protocol);
}

/** Bytes for headers and a token, without Ethernet's minimum (60 without FCS). */
export function leastSize(carrier: Carrier, vlanDepth: number, protocol?: number): number {
  return tokenOffset(carrier, vlanDepth, protocol) + tokenLength;
}

function checkSpec(spec: FrameSpec): void {
  const least = leastSize(spec.carrier, spec.vlan.length, spec.fields?.protocol);
  if (!Number.isInteger(spec.size) || spec.size < least || spec.size > 65_535)
    throw unbuildable(spec, `has ${spec.size} bytes, it needs ${least} to 65535`);
  if (!spec.vlan.every((id) => Number.isInteger(id) && id >= 0 && id <= 4095))
    throw unbuildable(spec, `has a VLAN id out of 0 to 4095: ${spec.vlan.join(', ')}`);
}

/** The error in the checksum of a frame that tests a rule. */
const wrongBy = 1;

/**
 * A frame without token, valid at every layer once stamped; with `fields` its transport's checksum is wrong. Zeros
 * behind the token, inside the innermost payload, fill `size`. IPv4: TTL 64, identification 0, Don't Fragment. TCP: a
 * SYN with the token as data (queued by RFC 9293 3.10.7.2), so that stateful filters see a new connection. ARP: a
 * request; an ARP probe if `srcIp` is null (RFC 5227 2.1.1). Throws VerifyError `frame-unbuildable` if the spec lacks
 * an address, has a malformed one, or is too small.
 */
export function plainTemplate(spec: FrameSpec, options: FrameOptions = {}): FrameTemplate {
  const { carrier, fields } = spec;
  checkSpec(spec);
  const bytes = new Uint8Array(spec.size);
  const srcMac = macBytesOf(spec, spec.srcMac);
  const etherType = carrier === 'raw' ? (fields?.etherType ?? etherTypeOf(carrier)) : etherTypeOf(carrier);
  const afterMacs = writeEthernet(bytes, 0, { dstMac: macBytesOf(spec, spec.dstMac), srcMac, etherType }) - 2;
  const bodyAt = writeTags(bytes, afterMacs, spec.vlan, options.tagTypes ?? tagTypes(spec.vlan.length), etherType);
  const tokenAt = tokenOffset(carrier, spec.vlan.length, fields?.protocol);
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
  return packetTemplate(spec, { bytes, bodyAt, tokenAt });
}

/** Header bytes, offset of addresses, and their length. */
const ipv4Layout = [ipv4Length, 12, 4] as const;
const ipv6Layout = [ipv6Length, 8, 16] as const;

function packetTemplate(
  spec: FrameSpec,
  { bytes, bodyAt, tokenAt }: Pick<FrameTemplate, 'bytes' | 'tokenAt'> & { readonly bodyAt: number },
): FrameTemplate {
  const { carrier, fields = {} } = spec;
  const { hopLimit = probeHopLimit, dscp = 0 } = fields;
  if (carrier === 'raw' || carrier === 'arp') throw unbuildable(spec, 'is no packet of IP');
  const version = etherTypeOf(carrier) === etherTypes.ipv4 ? 4 : 6;
  const protocol = fields.protocol ?? protocolOf(carrier);
  const transport = transportOf(protocol);
  if (transport === null) throw unbuildable(spec, `has the protocol ${protocol}, of which no frame is made`);
  const [ipLength, addressesAt, addressLength] = version === 4 ? ipv4Layout : ipv6Layout;
  const payloadLength = spec.size - bodyAt - ipLength;
  const ip = {
    src: addressOf(spec, spec.srcIp, version),
    dst: addressOf(spec, spec.dstIp, version),
    protocol,
    hopLimit,
    trafficClass: dscp << 2,
    payloadLength,
  };
  const transportAt = version === 4 ? writeIpv4(bytes, bodyAt, ip) : writeIpv6(bytes, bodyAt, ip);
  const checksumInTransport = transport.write(bytes, transportAt, payloadLength, fields);
  // ICMP for IPv4 is the only one whose checksum does not cover the addresses (RFC 792).
  const pseudo =
    protocol === ipProtocols.icmp
      ? 0
      : pseudoHeaderSum(bytes, bodyAt + addressesAt, addressLength, protocol, payloadLength);
  return {
    bytes,
    tokenAt,
    checksumAt: checksumInTransport < 0 ? -1 : transportAt + checksumInTransport,
    sum: pseudo + sumOf(bytes, transportAt, spec.size) + (spec.fields === undefined ? 0 : wrongBy),
    zeroAs: protocol === ipProtocols.udp ? 0xffff : 0,
  };
}
