import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMacWords } from '../../../../../src/core/judge/recognise/header-words.js';
import { macText } from '../../../../../src/core/wire/ethernet.js';

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

it('a frame carries the two addresses that it begins with, destination first, and no others', () => {
  fc.assert(
    fc.property(
      mac,
      mac,
      fc.array(fc.tuple(mac, mac), { maxLength: 3 }),
      fc.nat(11),
      fc.integer({ min: 1, max: 255 }),
      (src, dst, others, changed, by) => {
        const macs = createMacWords();
        const frame = new Uint8Array(20);
        frame.set(dst, 4);
        frame.set(src, 10);
        const words = (): Int32Array => new Int32Array(frame.buffer.slice(0));
        const [from, to] = [macText(src, 0), macText(dst, 0)];
        expect(macs.are(words(), 1, from, to)).toBe(true);
        for (const [srcBytes, dstBytes] of others)
          expect(macs.are(words(), 1, macText(srcBytes, 0), macText(dstBytes, 0))).toBe(
            macText(srcBytes, 0) === from && macText(dstBytes, 0) === to,
          );
        expect(macs.are(words(), 1, from, to), 'also when others were asked for in between').toBe(true);
        frame[4 + changed] = (frame[4 + changed] ?? 0) ^ by;
        expect(macs.are(words(), 1, from, to)).toBe(false);
      },
    ),
  );
});

it("what is no address is nobody's", () => {
  const macs = createMacWords();
  expect(macs.are(new Int32Array(4), 0, 'x', '00:00:00:00:00:00')).toBe(false);
  expect(macs.are(new Int32Array(4), 0, '00:00:00:00:00:00', '')).toBe(false);
  expect(macs.are(new Int32Array(4), 0, '00:00:00:00:00:00', '00:00:00:00:00:00')).toBe(true);
});
