import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Flow } from '../../../../src/core/model/plan.js';
import type { RunContext } from '../../../../src/run/context.js';
import { type ProbeBatch, burstsOf, sendBatch } from '../../../../src/run/send/send-batch.js';
import type { Sender } from '../../../../src/system/inject/sender.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { there } from '../../../support/there.js';

const planned = there(makePlan(scenario([step()]), { runTag: 1, keySha256: '0'.repeat(64) }).steps[0]);
const like = there(planned.flows.at(0));

/** Flows of these many frames; ids and tokens number through. */
function flowsOf(counts: readonly number[]): readonly Flow[] {
  let next = 100;
  return counts.map((count, at) => {
    next += count;
    return { ...like, id: 7 + at, first: next - count, count };
  });
}

/** A batch of some flows' frames, and what the kernel takes of each message. */
const batches = fc
  .record({
    counts: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 }),
    most: fc.integer({ min: 1, max: 5 }),
    from: fc.nat(10),
    length: fc.nat(30),
    accepts: fc.array(fc.nat(6), { minLength: 1, maxLength: 6 }),
  })
  .map(({ counts, most, from, length, accepts }) => {
    const flows = flowsOf(counts);
    const tokens = flows.flatMap(({ first, count }, position) =>
      Array.from({ length: count }, (_, sequence) => ({ position, sequence, token: first + sequence })),
    );
    const start = Math.min(from, tokens.length - 1);
    const count = Math.min(length, tokens.length - start);
    const { position, sequence } = there(tokens[start]);
    const batch: ProbeBatch = { flows, position, sequence, count, most };
    return { batch, accepts, tokens: tokens.slice(start, start + count).map(({ token }) => token) };
  });

const endOf = ({ flow, sequence, count }: ReturnType<typeof burstsOf>[number]): number => flow.first + sequence + count;

it('has each frame of a batch once, in bursts of one flow and no more frames than asked for', () => {
  fc.assert(
    fc.property(batches, ({ batch, tokens }) => {
      const bursts = burstsOf(batch);
      const sent = bursts.flatMap(({ flow, sequence, count }) =>
        Array.from({ length: count }, (_, at) => flow.first + sequence + at),
      );
      expect(sent).toEqual(tokens);
      expect(bursts.every(({ count }) => count > 0 && count <= batch.most)).toBe(true);
      expect(bursts.every((burst) => endOf(burst) <= burst.flow.first + burst.flow.count)).toBe(true);
    }),
  );
});

it('gives up the burst that an interface refuses, and sends those after it', async () => {
  await fc.assert(
    fc.asyncProperty(batches, async ({ batch, accepts }) => {
      const left = burstsOf(batch).map((burst) => ({ first: burst.flow.first + burst.sequence, count: burst.count }));
      const wanted: { readonly first: number; readonly planned: number; readonly accepted: number }[] = [];
      const taken = [...accepts];
      for (let bursts = left; bursts.length > 0; ) {
        const frames = bursts.reduce((sum, { count }) => sum + count, 0);
        const accepted = Math.min(taken.shift() ?? frames, frames);
        wanted.push({ first: there(bursts[0]).first, planned: frames, accepted });
        if (accepted === frames) break;
        let sum = 0;
        bursts = bursts.slice(bursts.findIndex(({ count }) => (sum += count) > accepted) + 1);
      }
      const logged: unknown[] = [];
      const kernel = [...accepts];
      const sendRouted: Sender['sendRouted'] = async (routes, frames, size) => {
        const count = routes.reduce((sum, route) => sum + route.count, 0);
        expect(frames.length).toBe(count * size);
        const accepted = Math.min(kernel.shift() ?? count, count);
        return { accepted, error: accepted < count ? 'ENOBUFS' : null };
      };
      const context = {
        plan: { runTag: 1 },
        key: new Uint8Array(32),
        timeline: {
          log: (_: number, { first, planned: all, accepted }: Record<string, number>) =>
            logged.push({ first, planned: all, accepted }),
        },
      } as unknown as RunContext;
      expect(await sendBatch(context, planned, { sendRouted } as unknown as Sender, batch, null)).toBe(true);
      expect(logged).toEqual(wanted);
    }),
  );
});
