import { type FormBuilder, needCarrier } from '../form-builder.js';
import { leastSize, plainTemplate } from '../plain.js';

/**
 * A raw frame whose source MAC is another one in every frame: `06`, the low byte of the run's tag, the token's index.
 */
export const sourceSweepForm: FormBuilder = {
  leastSize,
  template(spec) {
    needCarrier(spec, ['raw']);
    return { ...plainTemplate(spec), sweepsSource: true };
  },
};
