import { ethernetLength, etherTypes } from '../../../wire/ethernet.js';
import { llcSnapLength, maxInLengthField, writeSnap } from '../../../wire/llc.js';
import { readU16, writeU16 } from '../../../wire/bytes.js';
import { vlanTagLength } from '../../../wire/vlan.js';
import type { FormBuilder } from '../form-builder.js';
import { unbuildable } from '../parts.js';
import { leastSize, plainTemplate } from '../plain.js';

/**
 * The carrier in an 802.3 frame: a length in the EtherType's place, then LLC aa aa 03 and SNAP 00 00 00 with the
 * EtherType (RFC 1042). Filters by EtherType miss it (CVE-2021-27853 and its kin); stacks do not.
 */
export const llcSnapForm: FormBuilder = {
  leastSize: (carrier, vlanDepth) => leastSize(carrier, vlanDepth) + llcSnapLength,
  template(spec) {
    const plain = plainTemplate({ ...spec, size: spec.size - llcSnapLength });
    const typeAt = ethernetLength - 2 + spec.vlan.length * vlanTagLength;
    const length = spec.size - typeAt - 2;
    if (length > maxInLengthField)
      throw unbuildable(spec, `has ${length} bytes behind the length field, which holds ${maxInLengthField}`);
    const bytes = new Uint8Array(spec.size);
    bytes.set(plain.bytes.subarray(0, typeAt));
    writeU16(bytes, typeAt, length);
    const payloadAt = writeSnap(bytes, typeAt + 2, readU16(plain.bytes, typeAt));
    bytes.set(plain.bytes.subarray(typeAt + 2), payloadAt);
    const shifted = plain.checksumAt < 0 ? -1 : plain.checksumAt + llcSnapLength;
    return { ...plain, bytes, tokenAt: plain.tokenAt + llcSnapLength, checksumAt: shifted };
  },
};

/** The plain frame with a service tag outside (IEEE 802.1Q 9.5: type 0x88a8) and customer tags within. */
export const serviceTagForm: FormBuilder = {
  leastSize,
  template: (spec) =>
    plainTemplate(spec, { tagTypes: spec.vlan.map((_, i) => (i === 0 ? etherTypes.serviceVlan : etherTypes.vlan)) }),
};
