import { arpOperations, writeArp } from '../../../wire/arp.js';
import { etherTypes } from '../../../wire/ethernet.js';
import { type FormBuilder, needCarrier, startFrame } from '../form-builder.js';
import { addressOf, macBytesOf } from '../parts.js';
import { leastSize } from '../plain.js';

/**
 * An unsolicited ARP reply (RFC 826): `srcIp` is at `srcMac`. The token follows the 28 bytes of the body, as padding.
 */
export const arpReplyForm: FormBuilder = {
  leastSize,
  template(spec) {
    needCarrier(spec, ['arp']);
    const { bytes, bodyAt } = startFrame(spec, leastSize('arp', spec.vlan.length), etherTypes.arp);
    const tokenAt = writeArp(bytes, bodyAt, {
      operation: arpOperations.reply,
      senderMac: macBytesOf(spec, spec.srcMac),
      senderIp: addressOf(spec, spec.srcIp, 4),
      targetMac: macBytesOf(spec, spec.dstMac),
      targetIp: addressOf(spec, spec.dstIp, 4),
    });
    return { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 };
  },
};
