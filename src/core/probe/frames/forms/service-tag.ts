import { etherTypes } from '../../../wire/ethernet.js';
import type { FormBuilder } from '../form-builder.js';
import { leastSize, plainTemplate } from '../plain.js';

/**
 * The carrier's plain frame, its outermost tag a service tag (IEEE 802.1Q 9.5: type 0x88a8), those within customer
 * tags.
 */
export const serviceTagForm: FormBuilder = {
  leastSize,
  template: (spec) =>
    plainTemplate(spec, { tagTypes: spec.vlan.map((_, i) => (i === 0 ? etherTypes.serviceVlan : etherTypes.vlan)) }),
};
