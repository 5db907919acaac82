import { type FormBuilder, headerLength, startFrame } from '../../core/probe/frames/form-builder.js';
import { addressOf } from '../../core/probe/frames/parts.js';
import { checksumOf, pseudoHeaderSum, sumOf } from '../../core/wire/checksum.js';
import { etherTypes } from '../../core/wire/ethernet.js';
import { ipProtocols } from '../../core/wire/ipv4.js';
import { ipv6ExtensionLength, ipv6Extensions, ipv6Length, writeIpv6, writeRouterAlert } from '../../core/wire/ipv6.js';
import { tokenLength } from '../../core/wire/token.js';
import { mldLength, writeMldQuery } from '../../wire/mld.js';
import { writeU16 } from '../../wire/octets.js';

/**
 * An MLDv1 general query (RFC 2710 3): hop limit 1, router alert in a hop-by-hop header. The token follows the
 * datagram, as padding.
 */
export const mldQuery: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv6Length + ipv6ExtensionLength + mldLength + tokenLength,
  template(spec) {
    const { bytes, bodyAt } = startFrame(spec, mldQuery.leastSize(spec.carrier, spec.vlan.length), etherTypes.ipv6);
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
