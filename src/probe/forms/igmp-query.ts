import { checksumOf, sumOf } from '../../core/wire/checksum.js';
import { etherTypes } from '../../core/wire/ethernet.js';
import { writeU16 } from '../../wire/octets.js';
import { igmpLength, writeIgmpQuery } from '../../wire/igmp.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../core/wire/ipv4.js';
import { tokenLength } from '../../core/wire/token.js';
import { type FormBuilder, headerLength, startFrame } from '../../core/probe/frames/form-builder.js';
import { addressOf } from '../../core/probe/frames/parts.js';

/** Router alert (RFC 2113). */
const routerAlert = [0x94, 0x04, 0, 0] as const;

/** An IGMPv2 general query (RFC 2236 2): TTL 1, router alert. The token follows the datagram, as padding. */
export const igmpQuery: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv4Length + routerAlert.length + igmpLength + tokenLength,
  template(spec) {
    const { bytes, bodyAt } = startFrame(spec, igmpQuery.leastSize(spec.carrier, spec.vlan.length), etherTypes.ipv4);
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
