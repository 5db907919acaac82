import { type FormBuilder, headerLength, needCarrier, startFrame } from '../../core/probe/frames/form-builder.js';
import { addressOf, macOf } from '../../core/probe/frames/parts.js';
import { pseudoHeaderSum, sumOf } from '../../core/wire/checksum.js';
import { etherTypes } from '../../core/wire/ethernet.js';
import { ipProtocols } from '../../core/wire/ipv4.js';
import { ipv6Length, writeIpv6 } from '../../core/wire/ipv6.js';
import {
  experimentOptionLength,
  linkAddressOptionLength,
  routerAdvertisementLength,
  writeExperiment,
  writeLinkAddress,
  writeRouterAdvertisement,
} from '../../core/wire/neighbour-discovery.js';

const messageLength = routerAdvertisementLength + linkAddressOptionLength + experimentOptionLength;

/**
 * A router advertisement (RFC 4861 4.2) with the hop limit 255 that receivers demand. Its lifetime is 0: a guard has to
 * stop it all the same, and a guest that gets it takes no router from it. The token is in an option for experiments.
 */
export const routerAdvertisement: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv6Length + messageLength,
  template(spec) {
    needCarrier(spec, ['ipv6-icmp']);
    const { bytes, bodyAt } = startFrame(
      spec,
      routerAdvertisement.leastSize(spec.carrier, spec.vlan.length),
      etherTypes.ipv6,
    );
    const at = writeIpv6(bytes, bodyAt, {
      src: addressOf(spec, spec.srcIp, 6),
      dst: addressOf(spec, spec.dstIp, 6),
      protocol: ipProtocols.icmpv6,
      hopLimit: 255,
      payloadLength: messageLength,
    });
    const tokenAt = writeExperiment(
      bytes,
      writeLinkAddress(bytes, writeRouterAdvertisement(bytes, at), 'source', macOf(spec, spec.srcMac)),
    );
    return {
      bytes,
      tokenAt,
      checksumAt: at + 2,
      sum:
        pseudoHeaderSum(bytes, bodyAt + 8, 16, ipProtocols.icmpv6, messageLength) +
        sumOf(bytes, at, at + messageLength),
      zeroAs: 0,
    };
  },
};
