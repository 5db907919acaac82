import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEnteredTokens } from '../../../../../src/core/judge/count/entered-tokens.js';
import { flowOfToken } from '../../../../../src/core/judge/recognise/classify.js';
import type { Flow } from '../../../../../src/core/model/plan.js';
import { flow as base } from '../../../../support/judge/row-fixture.js';

/** Flows of these sizes, whose tokens number through from `first`. */
function flowsOf(sizes: readonly number[], first = 10): readonly Flow[] {
  let next = first;
  return sizes.map((count, id) => {
    next += count;
    return { ...base, id, count, first: next - count };
  });
}
const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
describe('tokens that entered', () => {
  it('are told apart by the place where they entered, and counted once', () => {
    const act = fc.record({
      flow: fc.nat(3),
      sequence: fc.integer({ min: -1, max: 4 }),
      place: fc.constantFrom('port' as const, 'bridge' as const),
    });
    fc.assert(
      fc.property(sizes, fc.array(act, { maxLength: 30 }), (counts, acts) => {
        const flows = flowsOf(counts);
        const entries = createEnteredTokens(flows);
        const model = new Set<string>();
        for (const { flow: at, sequence, place } of acts) {
          const flow = flows[at % flows.length] ?? base;
          const within = sequence >= 0 && sequence < flow.count;
          expect(entries.add(flow, sequence, place)).toBe(!within || !model.has(`${flow.id} ${sequence} ${place}`));
          if (within) model.add(`${flow.id} ${sequence} ${place}`);
        }
        for (const flow of flows) {
          const tokens = Array.from({ length: flow.count }, (_, sequence) => sequence);
          expect(entries.count(flow)).toBe(
            tokens.filter(
              (sequence) => model.has(`${flow.id} ${sequence} port`) || model.has(`${flow.id} ${sequence} bridge`),
            ).length,
          );
          expect(entries.throughDevice(flow)).toBe(
            tokens.filter((sequence) => model.has(`${flow.id} ${sequence} bridge`)).length,
          );
        }
      }),
    );
  });

  it('of a step that sends nothing are none, and none of them is a second one', () => {
    expect([createEnteredTokens([]).add(base, 0, 'port'), createEnteredTokens([]).count(base)]).toEqual([true, 0]);
  });
});

describe('the flow of a token', () => {
  it('is the one whose numbers it is among, whether flows are alike or not', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          sizes,
          fc.integer({ min: 1, max: 4 }).chain((size) => fc.array(fc.constant(size), { minLength: 1, maxLength: 6 })),
        ),
        (counts) => {
          const flows = flowsOf(counts);
          const end = 10 + counts.reduce((sum, count) => sum + count, 0);
          for (let token = 0; token < end + 12; token += 1) {
            expect(flowOfToken(flows, token)?.id ?? null).toBe(
              flows.find(({ first, count }) => token >= first && token < first + count)?.id ?? null,
            );
          }
        },
      ),
    );
  });
  it('is none where nothing is sent, nor in a gap between two', () => {
    expect(flowOfToken([], 0)).toBeNull();
    const [first = base, second = base] = flowsOf([2, 2]);
    const apart = [first, { ...second, first: 20 }];
    expect([9, 10, 11, 12, 19, 20, 21, 22].map((token) => flowOfToken(apart, token)?.first ?? null)).toEqual([
      null,
      10,
      10,
      null,
      null,
      20,
      20,
      null,
    ]);
  });
  it('is found without search where all are of one size', () => {
    let asked = 0;
    const flows = flowsOf(Array.from({ length: 64 }, () => 3));
    const counted = Object.assign([...flows], {
      at: (index: number) => {
        asked += 1;
        return flows[index];
      },
    });
    expect(flowOfToken(counted, 10 + 3 * 41 + 1)?.id).toBe(41);
    expect(asked).toBe(2);
  });
});
