import { describe, expect, it } from 'vitest';
import { sentOf, type StepFacts, stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { TimelineEntry, TimelineEvent } from '../../../../../src/core/model/timeline.js';
import { flow, plan } from '../../../../support/judge/row-fixture.js';

const facts = { engine: 'libpcap', timestamps: 'kernel', originalLength: true, direction: 'known' } as const;
const counters = (received: number) => ({ received, dropped: 0, delivered: received });
const at = (
  monoMs: number,
  event: TimelineEvent,
  over: { readonly atNs?: string; readonly step?: number } = {},
): TimelineEntry => ({ atNs: String(monoMs * 1_000_000), monoMs, step: 0, ...event, ...over });
function reported(...entries: readonly TimelineEntry[]): StepFacts {
  const [first] = stepFacts(plan, entries);
  if (first === undefined) throw new Error('the fixture has changed');
  return first;
}

describe('the timeline of a step', () => {
  it('without a line says nothing', () => {
    expect(reported()).toMatchObject({
      probed: false,
      drainedMs: null,
      probingFrom: null,
      betweenFrom: null,
      outcome: null,
      lastMonoMs: 0,
      clockShiftMs: 0,
      faults: [],
      keptFrames: [],
      stopped: {},
      written: {},
      lastCounters: {},
    });
    expect(sentOf(reported(), flow)).toBe(0);
  });
  it('of another step, or of none in the plan, says nothing of this one', () => {
    expect(reported(at(5, { event: 'drained', drainMs: 9 }, { step: 1 })).drainedMs).toBeNull();
  });
  it('says who listened, and who did before the first probe', () => {
    const gathered = reported(
      at(1, { event: 'listening', observer: 'a', facts, version: '' }),
      at(2, { event: 'probing', state: 'started' }),
      at(3, { event: 'listening', observer: 'b', facts, version: '' }),
      at(9, { event: 'probing', state: 'ended' }),
    );
    expect([
      [...gathered.listening.keys()],
      [...gathered.listenedInTime],
      gathered.probed,
      gathered.probingFrom,
    ]).toEqual([['a', 'b'], ['a'], true, { ns: 2_000_000n, monoMs: 2 }]);
  });
  it('that ends probing without having begun it names no beginning', () => {
    expect(
      reported(
        at(1, { event: 'listening', observer: 'a', facts, version: '' }),
        at(2, { event: 'probing', state: 'ended' }),
      ),
    ).toMatchObject({ probed: true, probingFrom: null, listenedInTime: new Set() });
  });
  it('says which controls were accepted, and when those in between were', () => {
    const facts = reported(
      at(1, { event: 'controls-sent', phase: 'before', accepted: [1, 2] }),
      at(2, { event: 'controls-sent', phase: 'between', accepted: [3] }),
      at(3, { event: 'controls-sent', phase: 'after', accepted: [] }),
    );
    expect([[...facts.controlsAccepted], facts.betweenFrom]).toEqual([[1, 2, 3], { ns: 2_000_000n, monoMs: 2 }]);
  });
  it('counts as sent what the kernel accepted, never more than was planned', () => {
    const sent = (accepted: number, planned: number): number =>
      sentOf(reported(at(1, { event: 'sent', flow: flow.id, first: flow.first, planned, accepted })), flow);
    expect([sent(3, 20), sent(20, 20), sent(25, 20), sent(0, 20)]).toEqual([3, 20, 20, 0]);
  });
  it('pairs the beginning and the end of an event', () => {
    const begun = at(5, { event: 'event-started', during: 1 });
    expect(reported(begun).events.get(1)).toEqual({
      from: { ns: 5_000_000n, monoMs: 5 },
      to: null,
      ok: false,
      detail: 'it did not end',
    });
    expect(reported(begun, at(8, { event: 'event-ended', during: 1, ok: true, detail: 'fine' })).events.get(1)).toEqual(
      {
        from: { ns: 5_000_000n, monoMs: 5 },
        to: { ns: 8_000_000n, monoMs: 8 },
        ok: true,
        detail: 'fine',
      },
    );
    expect(reported(at(8, { event: 'event-ended', during: 1, ok: true, detail: '' })).events.size).toBe(0);
  });
  it('keeps the last counters of every observer, and those of the end apart', () => {
    const facts = reported(
      at(1, { event: 'mark', id: 'm', counters: { a: counters(1), b: counters(2) } }),
      at(2, { event: 'mark', id: 'n', counters: { a: counters(5) } }),
      at(3, { event: 'stopped', counters: { b: counters(9) }, written: { b: 9 } }),
    );
    expect([facts.lastCounters, facts.stopped, facts.written]).toEqual([
      { a: counters(5), b: counters(9) },
      { b: counters(9) },
      { b: 9 },
    ]);
  });
  it('keeps traffic, faults, the wait, kept frames and the end', () => {
    const fault = { code: 'step-failed', observers: [], text: 'y' } as const;
    const facts = reported(
      at(1, { event: 'traffic', traffic: 2, ok: false, detail: 'no' }),
      at(2, { event: 'fault', fault }),
      at(3, { event: 'drained', drainMs: 150 }),
      at(4, { event: 'kept', observer: 'c', towards: true, frame: 'AA==' }),
      at(5, { event: 'step-ended', outcome: 'done' }),
    );
    expect(facts).toMatchObject({
      faults: [fault],
      drainedMs: 150,
      outcome: 'done',
      lastMonoMs: 5,
      keptFrames: [{ observer: 'c', towards: true, frame: 'AA==', atNs: '4000000' }],
    });
    expect(facts.trafficOk.get(2)).toEqual({ ok: false, detail: 'no' });
  });
  it('ends at the latest line, in whatever order they stand', () =>
    expect(
      reported(at(7, { event: 'step-started' }), at(3, { event: 'sealed', uid: 0, capabilities: '' })).lastMonoMs,
    ).toBe(7));
});

describe('the wall clock', () => {
  const shift = (...lines: readonly (readonly [monoMs: number, atNs: string])[]): number =>
    reported(...lines.map(([monoMs, atNs]) => at(monoMs, { event: 'step-started' }, { atNs }))).clockShiftMs;
  it('ran away by the most that it and the other clock differ', () => {
    expect(shift([0, '1000000000'], [10, '1010000000'], [20, '1020000000'])).toBe(0);
    expect(shift([0, '1000000000'], [10, '1510000000'], [20, '1020000000'])).toBe(500);
    expect(shift([0, '1000000000'], [10, '1010000000'], [20, '520000000'])).toBe(500);
  });
  it('is not judged by what is no time', () => {
    expect(
      shift([0, '1000000000'], [10, 'x'], [10, ''], [10, '-1'], [10, '1'.repeat(21)], [10, '1x'], [10, 'x1']),
    ).toBe(0);
    expect(reported(at(2, { event: 'probing', state: 'started' }, { atNs: 'soon' })).probingFrom).toEqual({
      ns: 0n,
      monoMs: 2,
    });
  });
});
