import { etherTypes } from '../../../wire/ethernet.js';
import { ipProtocols } from '../../../wire/ipv4.js';
import {
  ipv6ExtensionLength,
  ipv6Extensions,
  ipv6Length,
  writeDestinationOptions,
  writeIpv6,
} from '../../../wire/ipv6.js';
import { pseudoHeaderSum, sumOf } from '../../../wire/bytes.js';
import { type FormBuilder, needCarrier, startFrame } from '../form-builder.js';
import { addressOf, probeHopLimit, protocolOf, unbuildable, writeTransport } from '../parts.js';
import { leastSize, tokenOffset } from '../plain.js';

/**
 * An IPv6 datagram with an empty destination options header (RFC 8200 4.6) before the transport header, missed by
 * filters that read only the next header.
 */
export const extensionHeaderForm: FormBuilder = {
  leastSize: (carrier, vlanDepth) => leastSize(carrier, vlanDepth) + ipv6ExtensionLength,
  template(spec) {
    needCarrier(spec, ['ipv6-udp', 'ipv6-icmp']);
    const { carrier } = spec;
    if (carrier !== 'ipv6-udp' && carrier !== 'ipv6-icmp') throw unbuildable(spec, 'is not IPv6');
    const { bytes, bodyAt } = startFrame(
      spec,
      extensionHeaderForm.leastSize(carrier, spec.vlan.length),
      etherTypes.ipv6,
    );
    const protocol = protocolOf(carrier);
    const length = spec.size - bodyAt - ipv6Length - ipv6ExtensionLength;
    const ip = { src: addressOf(spec, spec.srcIp, 6), dst: addressOf(spec, spec.dstIp, 6), hopLimit: probeHopLimit };
    const optionsAt = writeIpv6(bytes, bodyAt, {
      ...ip,
      protocol: ipv6Extensions.destinationOptions,
      payloadLength: length + ipv6ExtensionLength,
    });
    const transportAt = writeDestinationOptions(bytes, optionsAt, protocol);
    const checksumAt = transportAt + writeTransport(carrier, bytes, transportAt, length);
    const sum = pseudoHeaderSum(bytes, bodyAt + 8, 16, protocol, length) + sumOf(bytes, transportAt, spec.size);
    return {
      bytes,
      tokenAt: tokenOffset(carrier, spec.vlan.length) + ipv6ExtensionLength,
      checksumAt,
      sum,
      zeroAs: protocol === ipProtocols.udp ? 0xffff : 0,
    };
  },
};
