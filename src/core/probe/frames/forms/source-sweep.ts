import { type FormBuilder, needCarrier } from '../form-builder.js';
import { leastSize, plainTemplate } from '../plain.js';

/** A raw frame with its own source MAC: `06`, the low byte of the run's tag, the token's index. */
export const sourceSweepForm: FormBuilder = {
  leastSize,
  template(spec) {
    needCarrier(spec, ['raw']);
    return { ...plainTemplate(spec), sweepsSource: true };
  },
};
