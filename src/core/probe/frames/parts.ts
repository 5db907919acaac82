import type { FrameSpec } from '../../model/plan.js';
import type { Carrier, SelectedFields } from '../../model/scenario.js';
import { VerifyError } from '../../model/verify-error.js';
import { writeU16 } from '../../wire/bytes.js';
import { etherTypes, macBytes } from '../../wire/ethernet.js';
import { icmpLength, icmpTypes, writeEcho } from '../../wire/icmp.js';
import { ipProtocols, ipv4Bytes } from '../../wire/ipv4.js';
import { ipv6Bytes } from '../../wire/ipv6.js';
import { tcpFlags, tcpLength, writeTcp } from '../../wire/tcp.js';
import { udpLength, writeUdp } from '../../wire/udp.js';

/**
 * Ports of UDP and TCP probes, dynamic (RFC 6335 6), so that no service has them and filters can name them. Also the
 * identifier of echo requests.
 */
export const probePorts = { src: 0xd649, dst: 0xd64a } as const;
/** The host's: its probes pass no NAT, and a guest's may have left by the same address and `probePorts.src`. */
export const hostPort = 0xd648;
export const probeHopLimit = 64;

/** Writes the transport header with a zero checksum; gives that one's offset in it. */
export function writeTransport(
  carrier: Exclude<Carrier, 'raw' | 'arp'>,
  bytes: Uint8Array,
  at: number,
  length: number,
): number {
  const header = transportOf(protocolOf(carrier));
  return header === null ? 0 : header.write(bytes, at, length, {});
}

interface Transport {
  readonly length: number;
  /** `length`: with data. Gives the offset of a 16-bit checksum, -1 = none. */
  write(bytes: Uint8Array, at: number, length: number, fields: SelectedFields): number;
}

const portsOf = ({ sourcePort = probePorts.src, destinationPort = probePorts.dst }: SelectedFields) => ({
  srcPort: sourcePort,
  dstPort: destinationPort,
});

function writeEchoAs(usualType: number): Transport['write'] {
  return (bytes, at, _length, { icmpType = usualType, icmpCode = 0 }) => {
    writeEcho(bytes, at, { type: usualType, identifier: probePorts.src, sequence: 1 });
    bytes.set([icmpType, icmpCode], at);
    return 2;
  };
}

/** SCTP's common header and checksum (RFC 9260 3.1). */
const [sctpLength, sctpChecksumAt] = [12, 8];

const transports: Readonly<Record<number, Transport>> = {
  [ipProtocols.udp]: {
    length: udpLength,
    write: (bytes, at, length, fields) => {
      writeUdp(bytes, at, { ...portsOf(fields), payloadLength: length - udpLength });
      return 6;
    },
  },
  [ipProtocols.tcp]: {
    length: tcpLength,
    write: (bytes, at, _length, fields) => {
      writeTcp(bytes, at, {
        ...portsOf(fields),
        sequence: 0,
        flags: fields.tcpFlags ?? tcpFlags.syn,
        window: 0xffff,
      });
      return 16;
    },
  },
  [ipProtocols.icmp]: { length: icmpLength, write: writeEchoAs(icmpTypes.echoRequest) },
  [ipProtocols.icmpv6]: { length: icmpLength, write: writeEchoAs(icmpTypes.echoRequestV6) },
  // Its checksum, a CRC of 32 bits, is wrong
  [ipProtocols.sctp]: {
    length: sctpLength,
    write: (bytes, at, _length, fields) => {
      const { srcPort, dstPort } = portsOf(fields);
      writeU16(bytes, at, srcPort);
      writeU16(bytes, at + 2, dstPort);
      writeU16(bytes, at + sctpChecksumAt, 1);
      return -1;
    },
  },
};

/** null = no frame is made of it. */
export function transportOf(protocol: number): Transport | null {
  return transports[protocol] ?? null;
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
