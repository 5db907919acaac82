import { expect, test } from 'vitest';
import { createRingRest } from '../../../../../src/system/capture/engines/packet-ring.js';

const mebibyte = 1 << 20;

test('rests while it fills fast, at most until a sixteenth of it is full', () => {
  const rest = createRingRest(64, mebibyte);
  for (let ms = 1000; ms <= 1120; ms += 10) rest.took(ms, 1, mebibyte);
  expect(rest.restMs()).toBe(30); // 4 blocks take 40 ms
  for (let ms = 1122; ms <= 1300; ms += 2) rest.took(ms, 1, mebibyte);
  expect(rest.restMs()).toBe(8);
});

test('does not rest where a rest would not bring a block', () => {
  const rest = createRingRest(64, mebibyte);
  for (let ms = 1000; ms <= 1400; ms += 20) rest.took(ms, 1, mebibyte / 2);
  expect(rest.restMs()).toBe(0);
});

test('does not rest at the beginning of a burst, nor once one is over', () => {
  const rest = createRingRest(64, mebibyte);
  rest.took(1000, 0, 0);
  rest.took(5000, 1, mebibyte);
  rest.took(5010, 1, mebibyte);
  expect(rest.restMs()).toBe(0);
  for (let ms = 5020; ms <= 5200; ms += 10) rest.took(ms, 1, mebibyte);
  expect(rest.restMs()).toBe(30);
  rest.took(5230, 2, mebibyte);
  expect(rest.restMs()).toBe(30);
  rest.took(5260, 1, mebibyte / 4);
  expect(rest.restMs()).toBe(0);
});

test('a ring of two blocks is never left alone for long', () => {
  const rest = createRingRest(2, mebibyte);
  for (let ms = 1000; ms <= 1200; ms += 10) rest.took(ms, 1, mebibyte);
  expect(rest.restMs()).toBe(1);
});
