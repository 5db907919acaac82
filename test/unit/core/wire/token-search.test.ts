import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAddressPairs } from '../../../../src/core/wire/address-pairs.js';
import { createTokenSearch } from '../../../../src/core/wire/token-search.js';
import { tokenAt } from '../../../../src/core/wire/token.js';

const runTag = 0x56495649; // a tag that looks like the magic itself

it('a frame is passed over only where it holds no token, in whatever order frames are asked for', () => {
  const piece = fc.constantFrom('56', '49', '00', '5649', '564956495649', '564956495649000000010102030405060708');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.tuple(fc.nat(300), fc.nat(80)), { minLength: 1, maxLength: 30 }),
      (pieces, frames) => {
        const bytes = Buffer.from(pieces.join(''), 'hex');
        const search = createTokenSearch(runTag);
        for (const [from, length] of frames) {
          const start = Math.min(from, bytes.length);
          const end = Math.min(start + length, bytes.length);
          const holds = tokenAt(bytes, start, end, runTag, -1) >= 0;
          if (holds) expect(search.mayHold(bytes, start, end)).toBe(true);
        }
        // In the order of the file it is exact, or says yes where a magic without room for its token comes first.
        const inOrder = createTokenSearch(runTag);
        for (let at = 0; at + 20 <= bytes.length; at += 20) {
          if (tokenAt(bytes, at, at + 20, runTag, -1) >= 0) expect(inOrder.mayHold(bytes, at, at + 20)).toBe(true);
        }
      },
    ),
  );
});

it('pairs of addresses are told apart by all their bytes, however many there are', () => {
  const pairs = createAddressPairs((bytes, at) => Buffer.from(bytes.subarray(at, at + 12)).toString('hex'));
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 12, maxLength: 12 }), { maxLength: 200 }), (list) => {
      const known = list.flatMap((bytes) => [bytes, Uint8Array.from(bytes, (byte, i) => (i === 7 ? byte ^ 1 : byte))]);
      for (const bytes of [...known, ...known]) expect(pairs.of(bytes, 0)).toBe(Buffer.from(bytes).toString('hex'));
    }),
  );
});
