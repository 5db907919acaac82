import { expect, it } from 'vitest';
import { didYouMean } from '../../../../../src/core/scenario/yaml/nearest-word.js';

it('a near word is shown without what a terminal would obey', () => {
  expect(didYouMean('br0', ['\u0000br0'])).toBe(String.raw`; did you mean "\u{0}br0"?`);
  expect(didYouMean('br0', ['br1'])).toBe('; did you mean "br1"?');
  expect(didYouMean('br0', ['enp8s0f1'])).toBe('');
});
