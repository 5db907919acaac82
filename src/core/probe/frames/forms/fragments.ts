import type { FrameSpec } from '../../../model/plan.js';
import type { Carrier } from '../../../model/scenario.js';
import { etherTypes } from '../../../wire/ethernet.js';
import { icmpLength } from '../../../wire/icmp.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../../wire/ipv4.js';
import { ipv6ExtensionLength, ipv6Extensions, ipv6Length, writeIpv6, writeIpv6Fragment } from '../../../wire/ipv6.js';
import { pseudoHeaderSum, sumOf } from '../../../wire/bytes.js';
import { tcpLength } from '../../../wire/tcp.js';
import { tokenLength } from '../../../wire/token.js';
import { udpLength } from '../../../wire/udp.js';
import { type FormBuilder, headerLength, needCarrier, startFrame } from '../form-builder.js';
import { addressOf, probeHopLimit, protocolOf, writeTransport } from '../parts.js';

const carriers: readonly Carrier[] = ['ipv4-udp', 'ipv4-tcp', 'ipv4-icmp', 'ipv6-udp', 'ipv6-icmp'];
/** Fragments are counted in 8 bytes (RFC 791 3.1, RFC 8200 4.5). */
const unit = 8;
/** Different, so that no stack ever has both parts of a datagram. */
const identification = { first: 0x5649, later: 0x564a } as const;
/** Behind 32 bytes that are never sent. */
const laterAt = 32;
/** Announced zeros, which no checksum notices. */
const missing = 8;

const isV4 = (carrier: Carrier): boolean => carrier.startsWith('ipv4');
const fragmentHeaders = (carrier: Carrier): number => (isV4(carrier) ? ipv4Length : ipv6Length + ipv6ExtensionLength);
const inUnits = (bytes: number): number => Math.ceil(bytes / unit) * unit;

function transportLength(carrier: Carrier): number {
  if (carrier.endsWith('udp')) return udpLength;
  return carrier.endsWith('tcp') ? tcpLength : icmpLength;
}

function writeHeaders(
  spec: FrameSpec & { readonly carrier: Exclude<Carrier, 'raw' | 'arp'> },
  bytes: Uint8Array,
  at: number,
  part: { readonly id: number; readonly offset: number; readonly more: boolean; readonly length: number },
): number {
  const protocol = protocolOf(spec.carrier);
  const version = isV4(spec.carrier) ? 4 : 6;
  const ip = {
    src: addressOf(spec, spec.srcIp, version),
    dst: addressOf(spec, spec.dstIp, version),
    hopLimit: probeHopLimit,
  };
  if (version === 4)
    return writeIpv4(bytes, at, {
      ...ip,
      protocol,
      payloadLength: part.length,
      fragment: { id: part.id, offset: part.offset, more: part.more },
    });
  const extensionAt = writeIpv6(bytes, at, {
    ...ip,
    protocol: ipv6Extensions.fragment,
    payloadLength: ipv6ExtensionLength + part.length,
  });
  return writeIpv6Fragment(bytes, extensionAt, { next: protocol, ...part });
}

function ofIp(spec: FrameSpec): FrameSpec & { readonly carrier: Exclude<Carrier, 'raw' | 'arp'> } {
  needCarrier(spec, carriers);
  const { carrier } = spec;
  return { ...spec, carrier: carrier === 'raw' || carrier === 'arp' ? 'ipv4-udp' : carrier };
}

/** The first part of a datagram with transport header and token; the rest, 8 zeros, is never sent. */
export const firstFragmentForm: FormBuilder = {
  leastSize: (carrier, vlanDepth) =>
    headerLength(vlanDepth) + fragmentHeaders(carrier) + inUnits(transportLength(carrier) + tokenLength),
  template(frame) {
    const spec = ofIp(frame);
    const { carrier } = spec;
    const { bytes, bodyAt } = startFrame(
      spec,
      firstFragmentForm.leastSize(carrier, spec.vlan.length),
      isV4(carrier) ? etherTypes.ipv4 : etherTypes.ipv6,
    );
    const length = Math.floor((spec.size - bodyAt - fragmentHeaders(carrier)) / unit) * unit;
    const complete = length + missing;
    const dataAt = writeHeaders(spec, bytes, bodyAt, { id: identification.first, offset: 0, more: true, length });
    const checksumAt = dataAt + writeTransport(carrier, bytes, dataAt, complete);
    const pseudo =
      carrier === 'ipv4-icmp'
        ? 0
        : pseudoHeaderSum(
            bytes,
            bodyAt + (isV4(carrier) ? 12 : 8),
            isV4(carrier) ? 4 : 16,
            protocolOf(carrier),
            complete,
          );
    const zeroAs = protocolOf(carrier) === ipProtocols.udp ? 0xffff : 0;
    return {
      bytes,
      tokenAt: dataAt + transportLength(carrier),
      checksumAt,
      sum: pseudo + sumOf(bytes, dataAt, dataAt + length),
      zeroAs,
    };
  },
};

/** The last part of a datagram: no transport header for filters, the token as data. */
export const laterFragmentForm: FormBuilder = {
  leastSize: (carrier, vlanDepth) => headerLength(vlanDepth) + fragmentHeaders(carrier) + tokenLength,
  template(frame) {
    const spec = ofIp(frame);
    const { carrier } = spec;
    const { bytes, bodyAt } = startFrame(
      spec,
      laterFragmentForm.leastSize(carrier, spec.vlan.length),
      isV4(carrier) ? etherTypes.ipv4 : etherTypes.ipv6,
    );
    const length = spec.size - bodyAt - fragmentHeaders(carrier);
    const tokenAt = writeHeaders(spec, bytes, bodyAt, {
      id: identification.later,
      offset: laterAt,
      more: false,
      length,
    });
    return { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 };
  },
};
