import { etherTypes } from '../../../wire/ethernet.js';
import { icmpLength } from '../../../wire/icmp.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../../wire/ipv4.js';
import { ipv6Length, writeIpv6 } from '../../../wire/ipv6.js';
import { pseudoHeaderSum, sumOf } from '../../../wire/bytes.js';
import { tokenLength } from '../../../wire/token.js';
import { udpLength, writeUdp } from '../../../wire/udp.js';
import { type FormBuilder, headerLength, needCarrier, startFrame } from '../form-builder.js';
import { addressOf, probePorts } from '../parts.js';

/** Host unreachable (RFC 792), address unreachable (RFC 4443 3.1). */
const unreachable = { 4: [3, 1], 6: [1, 3] } as const;

/**
 * An ICMP error with hop limit 1 about a UDP datagram from `dstIp` to `srcIp`, with the token as data. No stack answers
 * an error or forwards without hops left (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4): its addresses may be unused.
 * Conntrack calls it invalid.
 */
export const unreachableForm: FormBuilder = {
  leastSize: (carrier, vlanDepth) =>
    headerLength(vlanDepth) +
    2 * (carrier === 'ipv4-icmp' ? ipv4Length : ipv6Length) +
    icmpLength +
    udpLength +
    tokenLength,
  template(spec) {
    needCarrier(spec, ['ipv4-icmp', 'ipv6-icmp']);
    const version = spec.carrier === 'ipv4-icmp' ? 4 : 6;
    const least = unreachableForm.leastSize(spec.carrier, spec.vlan.length);
    const { bytes, bodyAt } = startFrame(spec, least, version === 4 ? etherTypes.ipv4 : etherTypes.ipv6);
    const [write, ipLength] = version === 4 ? [writeIpv4, ipv4Length] : [writeIpv6, ipv6Length];
    const [src, dst] = [addressOf(spec, spec.srcIp, version), addressOf(spec, spec.dstIp, version)];
    const length = spec.size - bodyAt - ipLength;
    const icmpAt = write(bytes, bodyAt, {
      src,
      dst,
      protocol: version === 4 ? ipProtocols.icmp : ipProtocols.icmpv6,
      hopLimit: 1,
      payloadLength: length,
    });
    bytes.set(unreachable[version], icmpAt);
    const quotedLength = length - icmpLength - ipLength;
    const udpAt = write(bytes, icmpAt + icmpLength, {
      src: dst,
      dst: src,
      protocol: ipProtocols.udp,
      hopLimit: 1,
      payloadLength: quotedLength,
    });
    const tokenAt = writeUdp(bytes, udpAt, {
      srcPort: probePorts.dst,
      dstPort: probePorts.src,
      payloadLength: quotedLength - udpLength,
    });
    const pseudo = version === 4 ? 0 : pseudoHeaderSum(bytes, bodyAt + 8, 16, ipProtocols.icmpv6, length);
    return { bytes, tokenAt, checksumAt: icmpAt + 2, sum: pseudo + sumOf(bytes, icmpAt, spec.size), zeroAs: 0 };
  },
};
