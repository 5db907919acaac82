import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSeenTokens } from '../../src/judge/seen-tokens.js';
import type { Flow } from '../../src/model/plan.js';
import { perfectRun } from './perfect-run.js';

/** Flows whose ids and tokens number through, as a plan's do; their sizes are those given. */
function flowsOf(counts: readonly number[]): readonly Flow[] {
  const like = perfectRun().plan.steps[0]?.flows.at(0);
  if (like === undefined) throw new Error('the plan has no flow');
  let first = 100;
  return counts.map((count, index) => {
    const flow = { ...like, id: 40 + index, count, first };
    first += count;
    return flow;
  });
}

it('tells, for any sightings in any order, what a list of them would', () => {
  const counts = [1, 2, 32, 33, 82, 4096, 5000];
  const sighting = fc.record({ flow: fc.nat(counts.length - 1), sequence: fc.oneof(fc.nat(40), fc.nat(5200), fc.constantFrom(31, 32, 81, 82, 4095, 4096)), observer: fc.nat(90), high: fc.nat(2), low: fc.constantFrom(0, 7, 0xffff_ffff) });
  fc.assert(fc.property(fc.array(sighting, { maxLength: 600 }), (sightings) => {
    const flows = flowsOf(counts);
    const seen = createSeenTokens(flows);
    const tokens = new Map<string, Set<number>>();
    const firsts = new Map<string, { readonly frame: number; readonly timeNs: bigint }>();
    sightings.forEach(({ flow: at, sequence, observer, high, low }, index) => {
      const flow = flows[at];
      if (flow === undefined) return;
      const row = `${at}/${observer}`;
      const known = tokens.get(row) ?? new Set();
      const valid = sequence < flow.count;
      expect(seen.add(flow, sequence, `o${observer}`, index + 1, high, low)).toBe(valid && !known.has(sequence));
      if (!valid) return;
      tokens.set(row, known.add(sequence));
      const timeNs = (BigInt(high) << 32n) | BigInt(low);
      if (timeNs < (firsts.get(row)?.timeNs ?? 1n << 64n)) firsts.set(row, { frame: index + 1, timeNs });
    });
    flows.forEach((flow, at) => {
      const observers = Array.from({ length: 91 }, (_, observer) => observer);
      for (const observer of observers) {
        expect(seen.count(flow, `o${observer}`)).toBe(tokens.get(`${at}/${observer}`)?.size ?? 0);
        expect(seen.first(flow, `o${observer}`)).toEqual(firsts.get(`${at}/${observer}`));
      }
      expect(seen.observersOf(flow)).toEqual([...tokens.keys()].filter((row) => row.startsWith(`${at}/`)).map((row) => `o${row.split('/')[1] ?? ''}`));
    });
  }), { numRuns: 60 });
});

it('knows tokens again that came in their order, before and after some that are missing, late or come twice', () => {
  const counts = [5, 32, 33, 4096, 9000];
  const disorder = fc.record({ at: fc.oneof(fc.nat(40), fc.nat(9000)), what: fc.constantFrom('missing', 'twice', 'late') });
  fc.assert(fc.property(fc.constantFrom(...counts), fc.nat(20), fc.array(disorder, { maxLength: 3 }), (count, from, disorders) => {
    const flows = flowsOf([count]);
    const [flow] = flows;
    if (flow === undefined) throw new Error('no flow');
    const late = disorders.filter(({ what }) => what === 'late').map(({ at }) => at);
    const missing = disorders.filter(({ what }) => what === 'missing').map(({ at }) => at);
    const twice = disorders.filter(({ what }) => what === 'twice').map(({ at }) => at);
    const inOrder = Array.from({ length: Math.max(0, count - from) }, (_, i) => from + i).filter((sequence) => !late.includes(sequence) && !missing.includes(sequence));
    const order = [...inOrder.flatMap((sequence) => (twice.includes(sequence) ? [sequence, sequence] : [sequence])), ...late, from + 1, from];
    const seen = createSeenTokens(flows);
    const known = new Set<number>();
    const wrong = order.filter((sequence, index) => {
      const expected = sequence < count && !known.has(sequence);
      if (expected) known.add(sequence);
      return seen.add(flow, sequence, 'a', index + 1, 1, index) !== expected;
    });
    expect([wrong, seen.count(flow, 'a')]).toEqual([[], known.size]);
    const again = Array.from({ length: count }, (_, sequence) => sequence).filter((sequence) => seen.add(flow, sequence, 'a', 1, 1, 1) === known.has(sequence));
    expect([again, seen.count(flow, 'a')]).toEqual([[], count]);
  }), { numRuns: 100 });
});

it('counts nothing for a flow that is not of the step', () => {
  const flows = flowsOf([4]);
  const seen = createSeenTokens(flows);
  const [flow] = flows;
  if (flow === undefined) throw new Error('no flow');
  const other = { ...flow, id: 7_000_000 };
  expect(seen.add(other, 0, 'a', 1, 0, 0)).toBe(false);
  expect([seen.count(other, 'a'), seen.first(other, 'a'), seen.observersOf(other)]).toEqual([0, undefined, []]);
});
