import { writeConfigurationBpdu } from '../../../wire/llc.js';
import { tokenLength } from '../../../wire/token.js';
import { type FormBuilder, headerLength, needCarrier, startFrame } from '../form-builder.js';
import { macBytesOf } from '../parts.js';

/** LLC (3 bytes) and a configuration BPDU (35), as in the length field. */
const counted = 38;

/**
 * A configuration BPDU (IEEE 802.1D-2004 9.3.1) that claims the root with priority 0 and the sender's MAC. Message age
 * 15 of 20 s: a bridge forgets it after 5 s. The token is in the padding behind the counted length.
 */
export const bpduForm: FormBuilder = {
  leastSize: (_, vlanDepth) => headerLength(vlanDepth) + counted + tokenLength,
  template(spec) {
    needCarrier(spec, ['raw']);
    const { bytes, bodyAt } = startFrame(spec, bpduForm.leastSize(spec.carrier, spec.vlan.length), counted);
    const tokenAt = writeConfigurationBpdu(bytes, bodyAt, {
      root: { priority: 0, mac: macBytesOf(spec, spec.srcMac) },
      messageAgeS: 15,
      maxAgeS: 20,
      helloS: 2,
      forwardDelayS: 15,
    });
    return { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 };
  },
};
