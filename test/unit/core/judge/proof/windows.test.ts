import { describe, expect, it } from 'vitest';
import { createTallies } from '../../../../../src/core/judge/count/tally.js';
import { type StepFacts, stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import { eventReasons, eventsOf, windowsOf } from '../../../../../src/core/judge/proof/windows.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import { flow, plan, step } from '../../../../support/judge/row-fixture.js';

const during: StepPlan['during'] = [
  { atMs: 100, run: [['one']], settleMs: 0 },
  { atMs: 200, run: [['two'], ['three']], settleMs: 0 },
];
const eventful: StepPlan = { ...step, during };
const at = (monoMs: number) => ({ ns: BigInt(monoMs) * 1_000_000n, monoMs });
function facts(over: Partial<StepFacts> = {}): StepFacts {
  const [none] = stepFacts(plan, []);
  if (none === undefined) throw new Error('the fixture has changed');
  const done = (from: number, to: number | null, ok = true) => ({
    from: at(from),
    to: to === null ? null : at(to),
    ok,
    detail: 'as it went',
  });
  return {
    ...none,
    probingFrom: at(50),
    betweenFrom: at(500),
    events: new Map([
      [0, done(100, 120)],
      [1, done(200, 500)],
    ]),
    ...over,
  };
}
const events = (from: number, to: number | null, ok = true): StepFacts['events'] =>
  new Map([
    [0, { from: at(from), to: to === null ? null : at(to), ok, detail: 'exit 1' }],
    [1, { from: at(200), to: at(300), ok: true, detail: '' }],
  ]);
const reported = (over: Partial<StepFacts> = {}): readonly string[] =>
  eventReasons(eventful, facts(over)).map(({ code, text }) => `${code}: ${text}`);

describe('events of a step', () => {
  it('are proved where each began after the first probe, worked and was over before the probes paused', () =>
    expect(reported()).toEqual([]));
  it.each<[string, Partial<StepFacts>, readonly string[]]>([
    [
      'that never began',
      { events: new Map() },
      ['event-missed: event 1 at 100 ms did not happen', 'event-missed: event 2 at 200 ms did not happen'],
    ],
    ['that did not end', { events: events(100, null) }, ['event-failed: event 1 at 100 ms: exit 1']],
    ['that failed', { events: events(100, 120, false) }, ['event-failed: event 1 at 100 ms: exit 1']],
    [
      'that began before the first probe',
      { events: events(49, 120) },
      ['event-missed: event 1 at 100 ms was not over when the probes paused for the controls in between'],
    ],
    [
      'that ended after the pause',
      { events: events(100, 501) },
      ['event-missed: event 1 at 100 ms was not over when the probes paused for the controls in between'],
    ],
    [
      'beside which nothing was probed',
      { probingFrom: null, events: events(100, 120) },
      expect.arrayContaining([
        expect.stringMatching(/^event-missed: event 1/),
        expect.stringMatching(/^event-missed: event 2/),
      ]),
    ],
    [
      'beside which probes never paused',
      { betweenFrom: null },
      expect.arrayContaining([expect.stringMatching(/^event-missed: event 1/)]),
    ],
  ])('%s are told', (_, over, expected) => expect(reported(over)).toEqual(expected));
  it('may begin with the first probe and end with the last before the pause', () =>
    expect(reported({ events: events(50, 500) })).toEqual([]));

  it('are listed with when they ran, since probing began', () => {
    expect(eventsOf(eventful, facts())).toEqual({
      events: [
        { commands: [['one']], fromMs: 50, toMs: 70 },
        { commands: [['two'], ['three']], fromMs: 150, toMs: 450 },
      ],
    });
    expect(eventsOf(eventful, facts({ events: events(100, null), probingFrom: null }))).toEqual({
      events: [
        { commands: [['one']], fromMs: 0, toMs: null },
        { commands: [['two'], ['three']], fromMs: 0, toMs: 0 },
      ],
    });
    expect(eventsOf(eventful, facts({ events: new Map() }))).toEqual({ events: [] });
    expect(eventsOf(step, facts())).toEqual({});
  });
});

describe('windows of a leak', () => {
  const windows = (of: StepPlan, ...seen: readonly (readonly [sequence: number, ms: number])[]) => {
    const [tally] = createTallies(plan, true).steps;
    if (tally === undefined) throw new Error('the fixture has changed');
    if (seen.length > 0)
      tally.moments.set(
        `${flow.id}|c`,
        seen.map(([sequence, ms]) => ({ sequence, timeNs: BigInt(Math.round(ms * 1000)) * 1000n })),
      );
    return windowsOf(flow, 'c', of, facts(), tally);
  };
  it('are probes that follow one another in the order of sending, whatever the order of their arrival', () => {
    expect(windows(eventful, [5, 60], [4, 55.04], [9, 90], [6, 61.25])).toEqual({
      windows: [
        { fromMs: 5, toMs: 11.3, frames: 3 },
        { fromMs: 40, toMs: 40, frames: 1 },
      ],
    });
  });
  it('are a hundred at most', () => {
    const apart = Array.from({ length: 101 }, (_, index) => [2 * index, 60 + index] as const);
    expect(windows(eventful, ...apart).windows).toHaveLength(100);
  });
  it('are none where nothing was seen, and not spoken of in a step without events', () => {
    expect(windows(eventful)).toEqual({ windows: [] });
    expect(windows(step, [1, 60])).toEqual({});
  });
});
