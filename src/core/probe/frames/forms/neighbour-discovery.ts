import { etherTypes } from '../../../wire/ethernet.js';
import { ipProtocols } from '../../../wire/ipv4.js';
import { ipv6Length, writeIpv6 } from '../../../wire/ipv6.js';
import {
  experimentOptionLength,
  linkAddressOptionLength,
  neighbourAdvertisementLength,
  routerAdvertisementLength,
  writeExperiment,
  writeLinkAddress,
  writeNeighbourAdvertisement,
  writeRouterAdvertisement,
} from '../../../wire/neighbour-discovery.js';
import { pseudoHeaderSum, sumOf } from '../../../wire/bytes.js';
import { type FormBuilder, headerLength, needCarrier, startFrame } from '../form-builder.js';
import { addressOf, macBytesOf } from '../parts.js';

const neighbourMessageLength = neighbourAdvertisementLength + linkAddressOptionLength + experimentOptionLength;

/**
 * An overriding neighbour advertisement (RFC 4861 4.4): `srcIp` is at `srcMac`. The token is in an option for
 * experiments.
 */
export const neighbourAdvertisementForm: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv6Length + neighbourMessageLength,
  template(spec) {
    needCarrier(spec, ['ipv6-icmp']);
    const { bytes, bodyAt } = startFrame(
      spec,
      neighbourAdvertisementForm.leastSize(spec.carrier, spec.vlan.length),
      etherTypes.ipv6,
    );
    const src = addressOf(spec, spec.srcIp, 6);
    const at = writeIpv6(bytes, bodyAt, {
      src,
      dst: addressOf(spec, spec.dstIp, 6),
      protocol: ipProtocols.icmpv6,
      hopLimit: 255,
      payloadLength: neighbourMessageLength,
    });
    const tokenAt = writeExperiment(
      bytes,
      writeLinkAddress(bytes, writeNeighbourAdvertisement(bytes, at, src), 'target', macBytesOf(spec, spec.srcMac)),
    );
    return {
      bytes,
      tokenAt,
      checksumAt: at + 2,
      sum:
        pseudoHeaderSum(bytes, bodyAt + 8, 16, ipProtocols.icmpv6, neighbourMessageLength) +
        sumOf(bytes, at, at + neighbourMessageLength),
      zeroAs: 0,
    };
  },
};

const routerMessageLength = routerAdvertisementLength + linkAddressOptionLength + experimentOptionLength;

/**
 * A router advertisement (RFC 4861 4.2) with the required hop limit 255. Lifetime 0: a guard has to stop it, but no
 * guest takes a router from it. The token is in an option for experiments.
 */
export const routerAdvertisementForm: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv6Length + routerMessageLength,
  template(spec) {
    needCarrier(spec, ['ipv6-icmp']);
    const { bytes, bodyAt } = startFrame(
      spec,
      routerAdvertisementForm.leastSize(spec.carrier, spec.vlan.length),
      etherTypes.ipv6,
    );
    const at = writeIpv6(bytes, bodyAt, {
      src: addressOf(spec, spec.srcIp, 6),
      dst: addressOf(spec, spec.dstIp, 6),
      protocol: ipProtocols.icmpv6,
      hopLimit: 255,
      payloadLength: routerMessageLength,
    });
    const tokenAt = writeExperiment(
      bytes,
      writeLinkAddress(bytes, writeRouterAdvertisement(bytes, at), 'source', macBytesOf(spec, spec.srcMac)),
    );
    return {
      bytes,
      tokenAt,
      checksumAt: at + 2,
      sum:
        pseudoHeaderSum(bytes, bodyAt + 8, 16, ipProtocols.icmpv6, routerMessageLength) +
        sumOf(bytes, at, at + routerMessageLength),
      zeroAs: 0,
    };
  },
};
