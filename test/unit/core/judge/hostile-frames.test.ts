import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  receives,
  judged,
  judgedOf,
  listening,
  probeFrame,
  sends,
  withEndpoints,
} from '../../../support/judge/judged.js';
import type { Evidence } from '../../../support/judge/perfect-run.js';

const macs = 12;

/** What c receives, made of a probe. */
const madeOf = (change: (probe: Uint8Array) => Uint8Array) =>
  receives('c', (evidence: Evidence) => change(probeFrame(evidence)));

describe('a hostile guest', () => {
  it('makes no leak and hides none with bytes of its own choice', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('a', 'b', 'c', 'lan'),
        fc.constantFrom(receives, sends),
        (bytes, observer, way) => {
          expect(judged(way(observer, bytes)).verdict).toBe('holds');
          expect(judged(way(observer, bytes), receives('c', 1)).verdict).toBe('broken');
        },
      ),
    );
  });

  it('makes no leak with a token of which any bit is flipped', () => {
    fc.assert(
      fc.property(fc.nat(18 * 8 - 1), (bit) => {
        const flipped = madeOf((probe) => {
          const at = macs + 2 + (bit >> 3);
          return probe.map((byte, index) => (index === at ? byte ^ (1 << (bit & 7)) : byte));
        });
        expect(judged(flipped).verdict).toBe('holds');
      }),
    );
  });

  it('cannot hide a leak under tags, as deep as they may be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(0x8100, 0x88a8), fc.nat(4095)), { minLength: 1, maxLength: 2 }),
        (tags) => {
          const stack = Buffer.from(tags.flatMap(([type, vid]) => [type >> 8, type & 255, vid >> 8, vid & 255]));
          const tagged = madeOf((probe) => Buffer.concat([probe.subarray(0, macs), stack, probe.subarray(macs)]));
          expect(judged(tagged).verdict).toBe('broken');
        },
      ),
    );
  });

  it('cannot hide a leak by its length: jumbo frames and 64 KiB, runts that still hold the token', () => {
    for (const size of [32, 60, 1514, 9014, 65_000]) {
      const sized = madeOf((probe) => {
        const bytes = Buffer.alloc(size);
        bytes.set(probe.subarray(0, size));
        return bytes;
      });
      expect(judged(sized).leaks, `${size} bytes`).toHaveLength(1);
    }
  });

  it('that is handed a token at an odd place of a frame of another kind has overheard it', () => {
    fc.assert(
      fc.property(fc.nat(60), (gap) => {
        const head = Buffer.from('0200000000090200000000081234', 'hex');
        const odd = madeOf((probe) =>
          Buffer.concat([head, Buffer.alloc(gap), probe.subarray(14, 32), Buffer.alloc(8)]),
        );
        expect(judged(odd).leaks).toHaveLength(1);
      }),
    );
  });

  it('hides nothing by the name of its device, which is that of an observer there', () => {
    const name = 'a|b@br0';
    const of = withEndpoints(listening(), (endpoint) => (endpoint.name === 'c' ? { name } : {}));
    const [{ macs: [srcMac = ''] = [] } = {}, { macs: [dstMac = ''] = [] } = {}] = of.topology.endpoints;
    const bytes = Buffer.from(`${dstMac}${srcMac}88b5`.replaceAll(':', '').padEnd(120, '0'), 'hex');
    const { leaks } = judgedOf(of, sends('a', bytes), receives(name, bytes));
    expect(leaks.map(({ from, to, observer, seen }) => [from, to, observer, seen])).toEqual([['a', 'b', name, 1]]);
  });
});
