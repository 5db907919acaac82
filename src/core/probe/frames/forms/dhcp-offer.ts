import { dhcpLength, dhcpPorts, writeOffer } from '../../../wire/dhcp.js';
import { etherTypes, macBytes } from '../../../wire/ethernet.js';
import { ipProtocols, ipv4Length, writeIpv4 } from '../../../wire/ipv4.js';
import { pseudoHeaderSum, sumOf } from '../../../wire/bytes.js';
import { udpLength, writeUdp } from '../../../wire/udp.js';
import { type FormBuilder, headerLength, needCarrier, startFrame } from '../form-builder.js';
import { addressOf, probeHopLimit } from '../parts.js';

/** No client waits for an offer to it. */
const clientMac = '02:76:69:ff:ff:fc';
const offered = Uint8Array.of(192, 0, 2, 68);

/**
 * A broadcast DHCP offer (RFC 2131 4.3.1) of a documentation address (RFC 5737), to a client and transaction that do
 * not exist. The token is in a private option before the others, in the server's name.
 */
export const dhcpOfferForm: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + ipv4Length + udpLength + dhcpLength,
  template(spec) {
    needCarrier(spec, ['ipv4-udp']);
    const { bytes, bodyAt } = startFrame(
      spec,
      dhcpOfferForm.leastSize(spec.carrier, spec.vlan.length),
      etherTypes.ipv4,
    );
    const length = udpLength + dhcpLength;
    const server = addressOf(spec, spec.srcIp, 4);
    const udpAt = writeIpv4(bytes, bodyAt, {
      src: server,
      dst: addressOf(spec, spec.dstIp, 4),
      protocol: ipProtocols.udp,
      hopLimit: probeHopLimit,
      payloadLength: length,
    });
    writeUdp(bytes, udpAt, { srcPort: dhcpPorts.server, dstPort: dhcpPorts.client, payloadLength: dhcpLength });
    const tokenAt = writeOffer(bytes, udpAt + udpLength, {
      transaction: 0x56495649,
      offered,
      server,
      clientMac: macBytes(clientMac) ?? new Uint8Array(6),
    });
    const sum = pseudoHeaderSum(bytes, bodyAt + 12, 4, ipProtocols.udp, length) + sumOf(bytes, udpAt, udpAt + length);
    return { bytes, tokenAt, checksumAt: udpAt + 6, sum, zeroAs: 0xffff };
  },
};
