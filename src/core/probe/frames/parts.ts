import type { FrameSpec } from '../../model/plan.js';
import type { Carrier } from '../../model/scenario.js';
import { VerifyError } from '../../model/verify-error.js';
import { etherTypes, macBytes } from '../../wire/ethernet.js';
import { icmpTypes, writeEcho } from '../../wire/icmp.js';
import { ipProtocols, ipv4Bytes } from '../../wire/ipv4.js';
import { ipv6Bytes } from '../../wire/ipv6.js';
import { tcpFlags, writeTcp } from '../../wire/tcp.js';
import { udpLength, writeUdp } from '../../wire/udp.js';

/**
 * Ports of UDP and TCP probes, of the dynamic range (RFC 6335 6) so that no service is behind them, and so that a
 * filter can name them. Also the identifier of echo requests.
 */
export const probePorts = { src: 0xd649, dst: 0xd64a } as const;
export const probeHopLimit = 64;

/** Writes the transport header with a zero checksum; returns where in it the checksum is. */
export function writeTransport(
  carrier: Exclude<Carrier, 'raw' | 'arp'>,
  bytes: Uint8Array,
  at: number,
  length: number,
): number {
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
      writeEcho(bytes, at, {
        type: carrier === 'ipv4-icmp' ? icmpTypes.echoRequest : icmpTypes.echoRequestV6,
        identifier: probePorts.src,
        sequence: 1,
      });
      return 2;
  }
}

export function etherTypeOf(carrier: Carrier): number {
  if (carrier === 'raw') return etherTypes.experimental;
  if (carrier === 'arp') return etherTypes.arp;
  return carrier === 'ipv6-udp' || carrier === 'ipv6-icmp' ? etherTypes.ipv6 : etherTypes.ipv4;
}

export function protocolOf(carrier: Exclude<Carrier, 'raw' | 'arp'>): number {
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

export function macBytesOf(spec: FrameSpec, text: string): Uint8Array {
  const bytes = macBytes(text);
  if (bytes === null) throw unbuildable(spec, `has a malformed MAC: ${JSON.stringify(text)}`);
  return bytes;
}

export function addressOf(spec: FrameSpec, text: string | null, version: 4 | 6): Uint8Array {
  const parse = version === 4 ? ipv4Bytes : ipv6Bytes;
  const bytes = text === null ? null : parse(text);
  if (bytes === null)
    throw unbuildable(
      spec,
      text === null
        ? `lacks an IPv${version} address`
        : `has ${JSON.stringify(text)} where an IPv${version} address belongs`,
    );
  return bytes;
}

export function unbuildable(spec: FrameSpec, what: string): VerifyError {
  return new VerifyError(
    'frame-unbuildable',
    64,
    `a frame ${spec.carrier} from ${spec.srcMac} to ${spec.dstMac} ${what}`,
    "give the two ends an address of the carrier's family, or choose other carriers, VLANs or a larger size",
  );
}
