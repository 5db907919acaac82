import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SeenTokens } from '../../../../../src/core/judge/count/seen-tokens.js';
import type { Flow } from '../../../../../src/core/model/plan.js';
import { perfectRun } from '../../../../support/judge/perfect-run.js';

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

interface Sighting {
  readonly flow: number;
  readonly sequence: number;
  readonly observer: number;
  readonly high: number;
  readonly low: number;
}

/** Holds what it says of sightings against a list of them. */
function compare(counts: readonly number[], sightings: readonly Sighting[]): void {
  const flows = flowsOf(counts);
  const seen = new SeenTokens(flows);
  const tokens = new Map<string, Set<number>>();
  const firsts = new Map<string, { readonly frame: number; readonly timeNs: bigint }>();
  const wrong: number[] = [];
  sightings.forEach(({ flow: at, sequence, observer, high, low }, index) => {
    const flow = flows[at];
    if (flow === undefined) return;
    const row = `${at}/${observer}`;
    const known = tokens.get(row) ?? new Set();
    const valid = sequence >= 0 && sequence < flow.count;
    if (
      seen.addToken(flow, sequence, `o${observer}`, { frame: index + 1, high: high, low: low }) !==
      (valid && !known.has(sequence))
    )
      wrong.push(index);
    if (!valid) return;
    tokens.set(row, known.add(sequence));
    const timeNs = (BigInt(high) << 32n) | BigInt(low);
    if (timeNs < (firsts.get(row)?.timeNs ?? 1n << 64n)) firsts.set(row, { frame: index + 1, timeNs });
  });
  expect(wrong).toEqual([]);
  const observers = [...new Set([...sightings.map(({ observer }) => observer), 4711])];
  flows.forEach((flow, at) => {
    expect(
      observers.map((observer) => [
        observer,
        seen.countTokens(flow, `o${observer}`),
        seen.firstSighting(flow, `o${observer}`),
      ]),
    ).toEqual(
      observers.map((observer) => [
        observer,
        tokens.get(`${at}/${observer}`)?.size ?? 0,
        firsts.get(`${at}/${observer}`),
      ]),
    );
    expect(seen.observersOf(flow)).toEqual(
      [...tokens.keys()].filter((row) => row.startsWith(`${at}/`)).map((row) => `o${row.split('/')[1] ?? ''}`),
    );
  });
}
const sightingsOf = (flow: number, observer: number, sequences: readonly number[]): readonly Sighting[] =>
  sequences.map((sequence) => ({ flow, sequence, observer, high: 0, low: 7 }));
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

it('tells, for any sightings in any order, what a list of them would', () => {
  const counts = [1, 2, 32, 33, 82, 4096, 5000];
  const sighting = fc.record({
    flow: fc.nat(counts.length - 1),
    sequence: fc.oneof(fc.nat(40), fc.nat(5200), fc.constantFrom(31, 32, 81, 82, 4095, 4096)),
    observer: fc.nat(90),
    high: fc.nat(2),
    low: fc.constantFrom(0, 7, 0xffff_ffff),
  });
  fc.assert(fc.property(fc.array(sighting, { maxLength: 600 }), (sightings) => compare(counts, sightings)));
});

it.each([8, 9, 10, 40, 63, 64, 65, 200])(
  'knows %i observers of each of several flows apart, each token once, whoever comes when',
  (observers) => {
    const counts = [3, 40, 3];
    const rounds = [...upTo(observers), ...[...upTo(observers)].reverse()];
    compare(
      counts,
      [0, 1, 0].flatMap((sequence) =>
        rounds.flatMap((observer) =>
          upTo(counts.length).map((flow) => ({ flow, sequence, observer, high: 0, low: 7 })),
        ),
      ),
    );
  },
);

it.each([31, 32, 33, 64, 65, 4095, 4096, 4097, 9000])(
  'knows each of %i tokens once, in order, backwards and from both ends, for observers side by side',
  (count) => {
    const edges = [
      0,
      1,
      30,
      31,
      32,
      33,
      62,
      63,
      64,
      65,
      4063,
      4064,
      4094,
      4095,
      4096,
      4097,
      8191,
      8192,
      count - 2,
      count - 1,
    ].filter((sequence) => sequence >= 0 && sequence < count);
    const backwards = [...edges].reverse();
    compare(
      [count, count, count],
      [
        ...sightingsOf(0, 1, [...edges, ...edges]),
        ...sightingsOf(0, 2, [...backwards, ...edges]),
        ...sightingsOf(1, 1, [5, 6, 7, 6, 5, 4, 8, 7, 3, 9]),
        ...sightingsOf(1, 3, [count - 1, 0, count, -1, count - 1, 0]),
        ...sightingsOf(0, 3, [count - 1, count - 2]),
        ...sightingsOf(2, 2, [2, 3, 5]),
        ...sightingsOf(2, 1, [4, 3, 2, 5]),
        ...sightingsOf(2, 2, [4, 5, 3, 2]),
        ...sightingsOf(0, 1, backwards),
      ],
    );
  },
);

it('keeps all tokens of many observers that each miss one, whatever room they take', () => {
  const count = 300;
  const missing = (observer: number): readonly number[] => upTo(count).filter((sequence) => sequence !== observer + 1);
  compare(
    [count, count],
    upTo(12).flatMap((observer) => [
      ...sightingsOf(0, observer, missing(observer)),
      ...sightingsOf(1, observer, [...missing(observer), observer + 1]),
      ...sightingsOf(0, observer, [0, observer, observer + 2, observer + 1, observer + 1]),
    ]),
  );
});

it('tells the earliest of sightings, and of those at the same time the first', () => {
  const times = [
    [1, 5],
    [1, 6],
    [1, 5],
    [1, 4],
    [2, 0],
    [0, 0xffff_ffff],
    [0, 9],
    [1, 0],
    [0, 9],
  ] as const;
  compare(
    [20],
    times.map(([high, low], sequence) => ({ flow: 0, sequence, observer: 0, high, low })),
  );
  compare(
    [20],
    [
      [0, 0],
      [0, 0],
      [1, 0],
    ].map(([high = 0, low = 0], sequence) => ({ flow: 0, sequence, observer: 0, high, low })),
  );
});

it('knows tokens again that came in their order, before and after some that are missing, late or come twice', () => {
  const counts = [5, 32, 33, 4096, 9000];
  const disorder = fc.record({
    at: fc.oneof(fc.nat(40), fc.nat(9000)),
    what: fc.constantFrom('missing', 'twice', 'late'),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...counts),
      fc.nat(20),
      fc.array(disorder, { maxLength: 3 }),
      (count, from, disorders) => {
        const flows = flowsOf([count]);
        const [flow] = flows;
        if (flow === undefined) throw new Error('no flow');
        const late = disorders.filter(({ what }) => what === 'late').map(({ at }) => at);
        const missing = disorders.filter(({ what }) => what === 'missing').map(({ at }) => at);
        const twice = disorders.filter(({ what }) => what === 'twice').map(({ at }) => at);
        const inOrder = Array.from({ length: Math.max(0, count - from) }, (_, i) => from + i).filter(
          (sequence) => !late.includes(sequence) && !missing.includes(sequence),
        );
        const order = [
          ...inOrder.flatMap((sequence) => (twice.includes(sequence) ? [sequence, sequence] : [sequence])),
          ...late,
          from + 1,
          from,
        ];
        const seen = new SeenTokens(flows);
        const known = new Set<number>();
        const wrong = order.filter((sequence, index) => {
          const expected = sequence < count && !known.has(sequence);
          if (expected) known.add(sequence);
          return seen.addToken(flow, sequence, 'a', { frame: index + 1, high: 1, low: index }) !== expected;
        });
        expect([wrong, seen.countTokens(flow, 'a')]).toEqual([[], known.size]);
        const again = Array.from({ length: count }, (_, sequence) => sequence).filter(
          (sequence) => seen.addToken(flow, sequence, 'a', { frame: 1, high: 1, low: 1 }) === known.has(sequence),
        );
        expect([again, seen.countTokens(flow, 'a')]).toEqual([[], count]);
      },
    ),
  );
});

it('is nothing of a step without flows', () => {
  const [flow] = flowsOf([4]);
  if (flow === undefined) throw new Error('no flow');
  const seen = new SeenTokens([]);
  expect([
    seen.addToken(flow, 0, 'a', { frame: 1, high: 0, low: 0 }),
    seen.countTokens(flow, 'a'),
    seen.observersOf(flow),
  ]).toEqual([false, 0, []]);
});

it('counts nothing for a flow that is not of the step', () => {
  const flows = flowsOf([4]);
  const seen = new SeenTokens(flows);
  const [flow] = flows;
  if (flow === undefined) throw new Error('no flow');
  const later = { ...flow, id: 7_000_000 };
  expect(seen.addToken(later, 0, 'a', { frame: 1, high: 0, low: 0 })).toBe(false);
  expect([seen.countTokens(later, 'a'), seen.firstSighting(later, 'a'), seen.observersOf(later)]).toEqual([
    0,
    undefined,
    [],
  ]);
});

it('says the same of who saw what where there are more rows than it may have, but not where it was first', () => {
  const sizes = [1, 40, 3, 5000];
  const flows = flowsOf(sizes);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(5001), fc.nat(6)), { minLength: 30, maxLength: 200 }),
      fc.integer({ min: 0, max: 12 }),
      (sightings, limit) => {
        const [few, seenTokens] = [new SeenTokens(flows, limit), new SeenTokens(flows)];
        sightings.forEach(([at, sequence, observer], index) => {
          const flow = flows[at];
          if (flow === undefined) return;
          const [ofFew, ofAll] = [few, seenTokens].map((seen) =>
            seen.addToken(flow, sequence % (sizes[at] ?? 1), `o${observer}`, {
              frame: index + 1,
              high: 0,
              low: index + 1,
            }),
          );
          expect(ofFew).toBe(ofAll);
        });
        let unknown = 0;
        for (const flow of flows) {
          expect([...few.observersOf(flow)].sort()).toEqual([...seenTokens.observersOf(flow)].sort());
          for (const name of ['o0', 'o1', 'o2', 'o3', 'o4', 'o5', 'o6', 'nobody']) {
            expect(few.countTokens(flow, name)).toBe(seenTokens.countTokens(flow, name));
            for (const sequence of [0, 1, 39, 4096])
              expect(few.hasToken(flow, sequence, name)).toBe(seenTokens.hasToken(flow, sequence, name));
            const [mine, theirs] = [few.firstSighting(flow, name), seenTokens.firstSighting(flow, name)];
            if (mine !== undefined) expect(mine).toEqual(theirs);
            else if (theirs !== undefined) unknown += 1;
          }
        }
        const rows = flows.reduce((sum, flow) => sum + seenTokens.observersOf(flow).length, 0);
        expect(unknown).toBe(Math.max(0, rows - limit));
      },
    ),
  );
});

it('counts spans of what was not kept as it would count their tokens, across flows, and knows each of them again', () => {
  const sizes = [1, 40, 3, 5000, 1];
  const flows = flowsOf(sizes);
  const [begin, end] = [100, 100 + sizes.reduce((sum, size) => sum + size, 0)];
  const flowOf = (token: number): Flow => {
    const flow = flows.find(({ first, count }) => token >= first && token < first + count);
    if (flow === undefined) throw new Error(`no flow has token ${token}`);
    return flow;
  };
  const span = fc.tuple(fc.integer({ min: begin, max: end - 1 }), fc.nat(200), fc.nat(3));
  fc.assert(
    fc.property(
      fc.array(span, { maxLength: 12 }),
      fc.array(fc.tuple(fc.integer({ min: begin, max: end - 1 }), fc.nat(3)), { maxLength: 60 }),
      (spans, kept) => {
        const seen = new SeenTokens(flows);
        const known = Array.from({ length: 4 }, () => new Set<number>());
        for (const [first, length, observer] of spans) {
          const { taken, fresh } = seen.addCounted(flowOf(first), first, first + length + 1, `o${observer}`);
          expect(taken).toBe(Math.min(end, first + length + 1) - first);
          const before = known[observer]?.size ?? 0;
          for (let token = first; token < first + taken; token += 1) known[observer]?.add(token);
          expect(fresh).toBe((known[observer]?.size ?? 0) - before);
        }
        kept.forEach(([token, observer], index) => {
          const flow = flowOf(token);
          const isNew = seen.addToken(flow, token - flow.first, `o${observer}`, { frame: index + 1, high: 0, low: 1 });
          expect(isNew).toBe(known[observer]?.has(token) === false);
          known[observer]?.add(token);
        });
        for (const flow of flows) {
          const counts = known.map(
            (tokens) => [...tokens].filter((token) => token >= flow.first && token < flow.first + flow.count).length,
          );
          expect(counts.map((_, observer) => seen.countTokens(flow, `o${observer}`))).toEqual(counts);
          const found = new Map<string, number>();
          seen.eachObserver(flow, (name, tokens) => found.set(name, tokens));
          expect(counts.map((_, observer) => found.get(`o${observer}`) ?? 0)).toEqual(counts);
          expect([...found.values()].every((tokens) => tokens > 0)).toBe(true);
          for (const at of [0, flow.count - 1])
            expect(known.map((_, observer) => seen.hasToken(flow, at, `o${observer}`))).toEqual(
              known.map((tokens) => tokens.has(flow.first + at)),
            );
        }
      },
    ),
  );
});

it('takes no token between the flows of a step for one of theirs', () => {
  const [first, second] = flowsOf([3, 4]);
  if (first === undefined || second === undefined) throw new Error('no flows');
  const apart = [first, { ...second, first: second.first + 5 }];
  const seen = new SeenTokens(apart);
  expect(seen.addCounted(first, first.first, first.first + 100, 'a')).toEqual({ taken: 3, fresh: 3 });
});
