import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

/** Any frame that says to carry a token, as a guest could make it up without the key. */
function probe(evidence: Evidence, sequence: number): Uint8Array {
  const flow = evidence.plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  return buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1));
}
const leaks = (result: Result): number =>
  result.steps.flatMap(({ findings }) => findings).filter(({ leak }) => leak).length;
const macs = 12;

describe('a hostile guest', () => {
  it('makes no leak and hides none with bytes of its own choice', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('a', 'b', 'c', 'lan'),
        fc.boolean(),
        (bytes, observer, outgoing) => {
          const evidence = perfectRun();
          addFrames(evidence, { observer, outgoing, bytes });
          expect(judge(evidence)).toMatchObject({ verdict: 'holds' });
          addFrames(evidence, { observer: 'c', outgoing: true, bytes: probe(evidence, 1) });
          expect(judge(evidence)).toMatchObject({ verdict: 'broken' });
        },
      ),
    );
  });

  it('makes no leak with a token of which any bit is flipped', () => {
    fc.assert(
      fc.property(fc.nat(18 * 8 - 1), (bit) => {
        const evidence = perfectRun();
        const bytes = probe(evidence, 0).slice();
        const at = macs + 2 + (bit >> 3);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
        addFrames(evidence, { observer: 'c', outgoing: true, bytes });
        expect(judge(evidence)).toMatchObject({ verdict: 'holds' });
      }),
    );
  });

  it('cannot hide a leak under tags, as deep as they may be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(0x8100, 0x88a8), fc.nat(4095)), { minLength: 1, maxLength: 2 }),
        (tags) => {
          const evidence = perfectRun();
          const bytes = probe(evidence, 0);
          const stack = Buffer.concat(
            tags.map(([type, vid]) => Buffer.from([type >> 8, type & 255, vid >> 8, vid & 255])),
          );
          addFrames(evidence, {
            observer: 'c',
            outgoing: true,
            bytes: Buffer.concat([bytes.subarray(0, macs), stack, bytes.subarray(macs)]),
          });
          expect(judge(evidence)).toMatchObject({ verdict: 'broken' });
        },
      ),
    );
  });

  it('cannot hide a leak by its length: jumbo frames and 64 KiB, runts that still hold the token', () => {
    for (const size of [32, 60, 1514, 9014, 65_000]) {
      const evidence = perfectRun();
      const bytes = Buffer.alloc(size);
      bytes.set(probe(evidence, 0).subarray(0, size));
      addFrames(evidence, { observer: 'c', outgoing: true, bytes });
      expect({ size, leaks: leaks(judge(evidence)) }).toEqual({ size, leaks: 1 });
    }
  });

  it('that is handed a token at an odd place of a frame of another kind has overheard it', () => {
    fc.assert(
      fc.property(fc.nat(60), (gap) => {
        const evidence = perfectRun();
        const bytes = Buffer.concat([
          Buffer.from('020000000009020000000008', 'hex'),
          Buffer.from([0x12, 0x34]),
          Buffer.alloc(gap),
          probe(evidence, 0).subarray(14, 32),
          Buffer.alloc(8),
        ]);
        addFrames(evidence, { observer: 'c', outgoing: true, bytes });
        expect(leaks(judge(evidence))).toBe(1);
      }),
    );
  });

  it('hides nothing by the name of its device, which is that of an observer there', () => {
    const of = scenario([step({ probes: [], listenMs: 1000 })]);
    const name = 'a|b@br0';
    const endpoints = of.topology.endpoints.map((endpoint) =>
      endpoint.name === 'c' ? { ...endpoint, name } : endpoint,
    );
    const evidence = perfectRun({ ...of, topology: { ...of.topology, endpoints } });
    const [{ macs: [srcMac = ''] = [] } = {}, { macs: [dstMac = ''] = [] } = {}] = endpoints;
    const bytes = Buffer.from(`${dstMac}${srcMac}88b5`.replaceAll(':', '').padEnd(120, '0'), 'hex');
    addFrames(evidence, { observer: 'a', outgoing: false, bytes }, { observer: name, outgoing: true, bytes });
    const rows = judge(evidence).steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
    expect(rows.map(({ from, to, observer, seen }) => [from, to, observer, seen])).toEqual([['a', 'b', name, 1]]);
  });
});
