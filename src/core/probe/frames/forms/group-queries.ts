import { etherTypes } from '../../../wire/ethernet.js';
import { igmpLength, mldLength, writeIgmpQuery, writeMldQuery } from '../../../wire/igmp.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../../wire/ipv4.js';
import { ipv6ExtensionLength, ipv6Extensions, ipv6Length, writeIpv6, writeRouterAlert } from '../../../wire/ipv6.js';
import { checksumOf, pseudoHeaderSum, sumOf, writeU16 } from '../../../wire/bytes.js';
import { tokenLength } from '../../../wire/token.js';
import { type FormBuilder, headerLength, startFrame } from '../form-builder.js';
import { addressOf } from '../parts.js';

/** Router alert (RFC 2113). */
const routerAlert = [0x94, 0x04, 0, 0] as const;

/** An IGMPv2 general query (RFC 2236 2): TTL 1, router alert. The token follows the datagram, as padding. */
export const igmpQueryForm: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv4Length + routerAlert.length + igmpLength + tokenLength,
  template(spec) {
    const { bytes, bodyAt } = startFrame(
      spec,
      igmpQueryForm.leastSize(spec.carrier, spec.vlan.length),
      etherTypes.ipv4,
    );
    const optionsAt = writeIpv4(bytes, bodyAt, {
      src: addressOf(spec, spec.srcIp, 4),
      dst: addressOf(spec, spec.dstIp, 4),
      protocol: ipProtocols.igmp,
      hopLimit: 1,
      payloadLength: routerAlert.length + igmpLength,
    });
    const igmpAt = optionsAt + routerAlert.length;
    bytes.set(routerAlert, optionsAt);
    bytes[bodyAt] = 0x46; // six words of header
    writeU16(bytes, bodyAt + 10, 0);
    writeU16(bytes, bodyAt + 10, checksumOf(sumOf(bytes, bodyAt, igmpAt)));
    return { bytes, tokenAt: writeIgmpQuery(bytes, igmpAt), checksumAt: -1, sum: 0, zeroAs: 0 };
  },
};

/**
 * An MLDv1 general query (RFC 2710 3): hop limit 1, router alert in a hop-by-hop header. The token follows the
 * datagram, as padding.
 */
export const mldQueryForm: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv6Length + ipv6ExtensionLength + mldLength + tokenLength,
  template(spec) {
    const { bytes, bodyAt } = startFrame(spec, mldQueryForm.leastSize(spec.carrier, spec.vlan.length), etherTypes.ipv6);
    const optionsAt = writeIpv6(bytes, bodyAt, {
      src: addressOf(spec, spec.srcIp, 6),
      dst: addressOf(spec, spec.dstIp, 6),
      protocol: ipv6Extensions.hopByHop,
      hopLimit: 1,
      payloadLength: ipv6ExtensionLength + mldLength,
    });
    const mldAt = writeRouterAlert(bytes, optionsAt, ipProtocols.icmpv6);
    const tokenAt = writeMldQuery(bytes, mldAt);
    writeU16(
      bytes,
      mldAt + 2,
      checksumOf(pseudoHeaderSum(bytes, bodyAt + 8, 16, ipProtocols.icmpv6, mldLength) + sumOf(bytes, mldAt, tokenAt)),
    );
    return { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 };
  },
};
