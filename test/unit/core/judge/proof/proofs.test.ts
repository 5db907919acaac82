import { describe, expect, it } from 'vitest';
import { createTallies, type StepTally } from '../../../../../src/core/judge/count/tally.js';
import { missingProofs } from '../../../../../src/core/judge/proof/proofs.js';
import { type StepFacts, stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { Flow, Plan, StepPlan } from '../../../../../src/core/model/plan.js';
import type { Endpoint } from '../../../../../src/core/model/scenario.js';
import type { Counters, TimelineEntry } from '../../../../../src/core/model/timeline.js';
import { perfectRun, scenario, step as stepOf } from '../../../../support/judge/perfect-run.js';

interface Run {
  plan: Plan;
  timeline: readonly TimelineEntry[];
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture has changed');
  return value;
}
const first = { frame: 1, timeNs: 1n };

/** A tally in which everything was seen that has to be. */
function fullTally({ plan }: Run): StepTally {
  const tally = there(createTallies(plan)[0]);
  const step = there(plan.steps[0]);
  for (const { index } of step.controls) tally.controls.add(index);
  for (const flow of step.flows) {
    for (let sequence = 0; sequence < flow.count; sequence += 1) {
      tally.entries.add(flow, sequence, 'port');
      for (const name of flow.must) tally.seen.add(flow, sequence, name, first.frame, 0, 1);
    }
  }
  return tally;
}

/** What is missing, as `code observer: text`, in a run that was changed. */
function missing(
  change: {
    readonly facts?: (facts: StepFacts) => StepFacts;
    readonly tally?: (tally: StepTally, flow: Flow) => void;
    readonly step?: (step: StepPlan) => StepPlan;
    readonly run?: Run;
    readonly endpoints?: readonly Endpoint[];
  } = {},
): readonly string[] {
  const run = change.run ?? perfectRun();
  const step = there(run.plan.steps[0]);
  const tally = fullTally(run);
  const facts = there(stepFacts(run.plan, run.timeline)[0]);
  const names = step.observers.map(({ name }) => name);
  const even = Object.fromEntries(names.map((name) => [name, 0]));
  const stopped: Record<string, Counters> = Object.fromEntries(
    names.map((name) => [name, { received: 0, dropped: 0, delivered: 0 }]),
  );
  const whole = { ...facts, stopped, written: even };
  const flow = step.flows.at(0);
  if (flow !== undefined) change.tally?.(tally, flow);
  return missingProofs(
    change.step?.(step) ?? step,
    change.facts?.(whole) ?? whole,
    tally,
    change.endpoints ?? run.plan.endpoints,
  ).map(({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`);
}
const counters =
  (over: Partial<Counters>) =>
  (facts: StepFacts): StepFacts => ({
    ...facts,
    stopped: { ...facts.stopped, c: { received: 0, dropped: 0, delivered: 0, ...over } },
  });
/** A tally without some sightings, for sets that cannot forget. */
const unseen = (tally: StepTally, fewer: number): StepTally['seen'] => ({
  ...tally.seen,
  count: (flow, name) => Math.max(0, tally.seen.count(flow, name) - fewer),
});
const withSeen = (fewer: number, of: Run = perfectRun()): readonly string[] => {
  const step = there(of.plan.steps[0]);
  const tally = fullTally(of);
  return missingProofs(
    step,
    {
      ...there(stepFacts(of.plan, of.timeline)[0]),
      stopped: Object.fromEntries(step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }])),
      written: {},
    },
    { ...tally, seen: unseen(tally, fewer) },
    of.plan.endpoints,
  ).map(({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`);
};

describe('the proof of a step', () => {
  it('lacks nothing where all is there', () => expect(missing()).toEqual([]));

  it.each<[string, Parameters<typeof missing>[0], readonly string[]]>([
    [
      'an ear control that nobody saw',
      { tally: (tally) => void tally.controls.delete(there([...tally.controls][0])) },
      [
        'control-missing a: 1 of 6 ear controls were not seen (before the probes; the first: raw from 52:54:00:00:00:01, towards the guest)',
      ],
    ],
    [
      'frames that were dropped',
      { facts: counters({ received: 10, dropped: 2, delivered: 8 }) },
      ['frames-dropped c: 2 of 10 frames at p2 were dropped; most frames there were the run’s own: lower `rate`'],
    ],
    [
      'a gap between what was received and delivered',
      { facts: counters({ received: 10, dropped: 0, delivered: 9 }) },
      ['count-gap c: p2: received 10, dropped 0, delivered 9'],
    ],
    [
      'more delivered than received',
      { facts: counters({ received: 10, dropped: 0, delivered: 11 }) },
      ['count-gap c: p2: received 10, dropped 0, delivered 11'],
    ],
    [
      'frames that were written and not read back',
      { facts: (facts) => ({ ...facts, written: { ...facts.written, c: 3 } }) },
      ['evidence-incomplete c: 3 frames were written for c, 0 were read back'],
    ],
    [
      'frames that nobody wrote',
      { tally: (tally) => void tally.read.set('c', 4) },
      ['evidence-incomplete c: 0 frames were written for c, 4 were read back'],
    ],
    [
      'frames that nobody counted as written',
      { facts: (facts) => ({ ...facts, written: {} }), tally: (tally) => void tally.read.set('c', 4) },
      ['evidence-incomplete c: 0 frames were written for c, 4 were read back'],
    ],
    [
      'tokens that were seen twice without a direction',
      { tally: (tally) => void tally.twice.set('c', 2) },
      ['replay-possible c: 2 tokens were seen again at c'],
    ],
    [
      'an observer that did not listen in time',
      { facts: (facts) => ({ ...facts, listenedInTime: new Set(['a', 'b', 'lan', 'br0']) }) },
      ['not-listening c: c (p2) did not listen before the first probe'],
    ],
    [
      'a capture without an end',
      {
        facts: (facts) => ({
          ...facts,
          stopped: Object.fromEntries(Object.entries(facts.stopped).filter(([name]) => name !== 'c')),
        }),
      },
      ['helper-died c: the capture of c did not come to its end'],
    ],
    [
      'a guest that sent again what was not its own',
      {
        tally: (tally, flow) =>
          void tally.reentered
            .set(flow.first, { observer: 'b', uplink: false })
            .set(flow.first + 1, { observer: 'b', uplink: false })
            .set(flow.first + 2, { observer: 'lan', uplink: true }),
      },
      ['replayed b: b sent 2 tokens that were not its own'],
    ],
    [
      'a clock that was set',
      { facts: (facts) => ({ ...facts, clockShiftMs: 500.6 }) },
      ['clock-changed -: the wall clock was set by 501 ms'],
    ],
    [
      'a capture that could not be written',
      { facts: (facts) => ({ ...facts, kept: [{ observer: 'c', towards: true, frame: '', atNs: '0' }] }) },
      ['evidence-incomplete -: the capture could not be written; 1 frames with tokens were kept in memory'],
    ],
    [
      'a wait that was cut short',
      { facts: (facts) => ({ ...facts, drainedMs: 149 }) },
      ['drain-incomplete -: the wait of 150 ms after the last probe was not kept'],
    ],
    [
      'a wait that nobody told',
      { facts: (facts) => ({ ...facts, drainedMs: null }) },
      ['drain-incomplete -: the wait of 150 ms after the last probe was not kept'],
    ],
    [
      'a fault of an observer',
      { facts: (facts) => ({ ...facts, faults: [{ code: 'interface-down', observers: ['c', 'b'], text: 'down' }] }) },
      ['interface-down c: down', 'interface-down b: down'],
    ],
    [
      'a fault of the step',
      { facts: (facts) => ({ ...facts, faults: [{ code: 'interrupted', observers: [], text: 'SIGINT' }] }) },
      ['interrupted -: SIGINT'],
    ],
    [
      'a fault that this version does not know',
      { facts: (facts) => ({ ...facts, faults: [{ code: 'toString', observers: [], text: 'new' }] }) },
      ['step-failed -: new'],
    ],
    [
      'a step that ended with a fault',
      { facts: (facts) => ({ ...facts, outcome: 'fault' }) },
      ['step-failed -: the step ended with a fault'],
    ],
    [
      'a step that ended with a fault that is told',
      {
        facts: (facts) => ({
          ...facts,
          outcome: 'fault',
          faults: [{ code: 'helper-died', observers: ['c'], text: 'gone' }],
        }),
      },
      ['helper-died c: gone'],
    ],
  ])('lacks: %s', (_, change, expected) => expect(missing(change)).toEqual(expected));

  it('keeps a clock that drifts, and a wait that was longer', () => {
    expect(missing({ facts: (facts) => ({ ...facts, clockShiftMs: 500, drainedMs: 151 }) })).toEqual([]);
    expect(missing({ facts: (facts) => ({ ...facts, drainedMs: 150 }) })).toEqual([]);
  });

  it('of a step that was not done or cannot be is that alone, with its faults', () => {
    const fault = { code: 'unsupported', observers: [], text: 'no such key' };
    expect(missing({ facts: (facts) => ({ ...facts, outcome: 'not-run' }) })).toEqual([
      'not-run -: the run ended before the step was done',
    ]);
    expect(
      missing({
        facts: (facts) => ({ ...facts, outcome: null, drainedMs: null, faults: [{ ...fault, code: 'interrupted' }] }),
      }),
    ).toEqual(['interrupted -: no such key', 'not-run -: the run ended before the step was done']);
    expect(missing({ facts: (facts) => ({ ...facts, outcome: 'unsupported', drainedMs: null }) })).toEqual([
      'unsupported -: this kernel or this build cannot do the step',
    ]);
    expect(
      missing({
        facts: (facts) => ({
          ...facts,
          outcome: 'unsupported',
          drainedMs: null,
          faults: [{ ...fault, code: 'interrupted' }],
        }),
      }),
    ).toEqual(['interrupted -: no such key', 'unsupported -: this kernel or this build cannot do the step']);
    expect(
      missing({
        facts: (facts) => ({ ...facts, outcome: 'unsupported', probed: false, drainedMs: null, faults: [fault] }),
      }),
    ).toEqual(['unsupported -: no such key']);
    expect(missing({ facts: (facts) => ({ ...facts, outcome: 'fault', probed: false, drainedMs: null }) })).toEqual([
      'step-failed -: the step ended with a fault',
    ]);
    expect(missing({ facts: (facts) => ({ ...facts, probed: false, drainedMs: null }) })).toEqual([
      'drain-incomplete -: the wait of 150 ms after the last probe was not kept',
    ]);
  });
});

describe('ear controls', () => {
  const run = perfectRun();
  const controls = there(run.plan.steps[0]).controls.filter(({ kind, observer }) => kind === 'ear' && observer === 'c');

  it('that were not sent prove nothing, seen or not', () => {
    const unsent = new Set(controls.slice(0, 2).map(({ index }) => index));
    expect(
      missing({
        facts: (facts) => ({
          ...facts,
          controlsAccepted: new Set([...facts.controlsAccepted].filter((index) => !unsent.has(index))),
        }),
      }),
    ).toEqual(['control-missing c: 2 of 6 ear controls were not sent']);
  });
  it('that were not seen are told by their phases and the first of them', () => {
    const from = controls.filter(({ sender }) => sender !== null).map(({ index }) => index);
    expect(
      missing({
        tally: (tally) => {
          for (const index of from.slice(1)) tally.controls.delete(index);
        },
      }),
    ).toEqual([
      expect.stringMatching(
        /^control-missing c: 2 of 6 ear controls were not seen \(between, after the probes; the first: raw from 03:76:69:ff:ff:fd, from the guest\)$/,
      ),
    ]);
  });
});

describe('the way in of a sender', () => {
  const run = perfectRun();
  const entries = there(run.plan.steps[0])
    .controls.filter(({ kind }) => kind === 'entry')
    .map(({ index }) => index);
  const without = (tally: StepTally, count: number): void => {
    for (const index of entries.slice(0, count)) tally.controls.delete(index);
  };
  const nobodyMust = (step: StepPlan): StepPlan => ({
    ...step,
    flows: step.flows.map((flow) => ({ ...flow, must: [] })),
  });

  it('is proved by addressees where its controls are not seen', () =>
    expect(
      missing({
        tally: (tally) => {
          without(tally, 1);
        },
      }),
    ).toEqual([]));
  it('is proved by nothing where neither is', () => {
    expect(
      missing({
        step: nobodyMust,
        tally: (tally) => {
          without(tally, 1);
        },
      }),
    ).toEqual(['entry-unproved a: 2 of 3 entry controls from a were received on the bridge']);
    expect(
      missing({
        step: (step) => nobodyMust({ ...step, controls: step.controls.filter(({ kind }) => kind === 'ear') }),
      }),
    ).toEqual(['entry-unproved a: no entry control is possible for a, and no addressee proves its probes']);
  });
  it('is not asked of who only undoes what others did', () => {
    expect(
      missing({
        step: (step) =>
          nobodyMust({
            ...step,
            controls: step.controls.filter(({ kind }) => kind === 'ear'),
            flows: step.flows.map((flow): Flow => ({ ...flow, purpose: 'restore' })),
          }),
      }),
    ).toEqual([]);
  });
  it('behind the bridge device is proved by every probe that left through it, not by addressees', () => {
    const endpoints = run.plan.endpoints.map((one) =>
      one.name === 'a' ? { ...one, attach: 'host' as const, port: null } : one,
    );
    const uncontrolled = (step: StepPlan): StepPlan => ({
      ...step,
      controls: step.controls.filter(({ kind }) => kind === 'ear'),
    });
    const leaving = (frames: number): readonly string[] =>
      missing({
        endpoints,
        step: uncontrolled,
        tally: (tally, flow) => {
          for (let sequence = 0; sequence < frames; sequence += 1) tally.entries.add(flow, sequence, 'bridge');
        },
      });
    expect([leaving(20), leaving(19), leaving(0)]).toEqual([
      [],
      ['entry-unproved a: not every probe of a left through the bridge device'],
      ['entry-unproved a: not every probe of a left through the bridge device'],
    ]);
    expect(missing({ endpoints })).toEqual([]);
    expect(missing({ step: uncontrolled })).toEqual([]);
  });
  it('has to show on its own port, where directions are known', () => {
    const hidden =
      (direction: 'known' | 'inferred') =>
      (facts: StepFacts): StepFacts => ({
        ...facts,
        listening: new Map([...facts.listening].map(([name, one]) => [name, { ...one, direction }])),
      });
    const shown = (fewer: number) => {
      const tally = fullTally(run);
      const facts = there(stepFacts(run.plan, run.timeline)[0]);
      const step = there(run.plan.steps[0]);
      const even = {
        ...facts,
        stopped: Object.fromEntries(
          step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }]),
        ),
        written: {},
      };
      const entered = { ...tally.entries, count: (flow: Flow) => tally.entries.count(flow) - fewer };
      return (['known', 'inferred'] as const).map((direction) =>
        missingProofs(step, hidden(direction)(even), { ...tally, entries: entered }, run.plan.endpoints).map(
          ({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`,
        ),
      );
    };
    expect(shown(1)).toEqual([
      ['entry-unproved a: 19 of 20 raw frames of known-unicast from a showed on the port of a'],
      [],
    ]);
    expect(shown(0)).toEqual([[], []]);
    expect(shown(-1)).toEqual([[], []]);
  });
});

describe('what was sent', () => {
  const big = (count: number): Run =>
    perfectRun(scenario([stepOf({ probes: stepOf().probes.map((probe) => ({ ...probe, count })) })]));

  it('has to be all that was planned, and no more', () => {
    const accepted = (share: number): readonly string[] => {
      const run = perfectRun();
      return missing({
        run: {
          ...run,
          timeline: run.timeline.map((entry) => (entry.event === 'sent' ? { ...entry, accepted: share } : entry)),
        },
      });
    };
    expect(accepted(20)).toEqual([]);
    expect(accepted(19)).toEqual(['probes-not-sent a: 19 of 20 raw frames of known-unicast from a were sent']);
    expect(accepted(0)).toEqual(
      expect.arrayContaining(['probes-not-sent a: 0 of 20 raw frames of known-unicast from a were sent']),
    );
  });
  it('has to arrive by 99 % where somebody must see it', () => {
    expect(withSeen(1, big(100))).toEqual([]);
    expect(withSeen(2, big(100))).toEqual(['delivery-short b: b got 98 of 100 raw frames of known-unicast from a']);
    expect(withSeen(1)).toEqual(['delivery-short b: b got 19 of 20 raw frames of known-unicast from a']);
  });
  it('need not arrive at who sends it itself', () => {
    expect(
      missing({ step: (step) => ({ ...step, flows: step.flows.map((flow) => ({ ...flow, must: ['a', 'b'] })) }) }),
    ).toEqual([]);
  });
  it('of many is told a hundred times, and then how many more', () => {
    const step = (of: StepPlan): StepPlan => ({
      ...of,
      flows: Array.from({ length: 103 }, (_, id) => ({
        ...there(of.flows.at(0)),
        id: 1000 + id,
        first: 5000 + id,
        count: 1,
      })),
    });
    const told = missing({ step });
    for (const code of ['probes-not-sent', 'delivery-short']) {
      expect(told.filter((text) => text.startsWith(code))).toHaveLength(101);
      expect(told).toContain(`${code} -: and 3 more of this kind`);
    }
  });
});

describe('traffic', () => {
  const run = perfectRun(
    scenario([
      stepOf({
        probes: [],
        traffic: [
          { kind: 'http', from: 'a', to: 'lan', requests: 1, bytes: 10, maySee: null, mustSee: null, seen: [] },
        ],
      }),
    ]),
  );
  const count = (frames: number) => ({ frames, first });
  const told = (
    sent: readonly [there: number, back: number],
    seen: readonly [there: number, back: number],
    ok: boolean | null = true,
  ): readonly string[] =>
    missing({
      run,
      facts: (facts) => ({ ...facts, trafficOk: new Map(ok === null ? [] : [[0, { ok, detail: 'refused' }]]) }),
      // Without flows there is no flow to hand over: the tally is prepared by the step.
      step: (step) => step,
    }).concat(trafficProofs(sent, seen));
  function trafficProofs(sent: readonly [number, number], seen: readonly [number, number]): readonly string[] {
    const step = there(run.plan.steps[0]);
    const tally = fullTally(run);
    if (sent[0] > 0) tally.trafficEntered.set('0/>', sent[0]);
    if (sent[1] > 0) tally.trafficEntered.set('0/<', sent[1]);
    if (seen[0] > 0) tally.traffic.set('0/>/lan', count(seen[0]));
    if (seen[1] > 0) tally.traffic.set('0/</a', count(seen[1]));
    const facts = there(stepFacts(run.plan, run.timeline)[0]);
    const even = {
      ...facts,
      trafficOk: new Map([[0, { ok: true, detail: '' }]]),
      stopped: Object.fromEntries(step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }])),
      written: {},
    };
    return missingProofs(step, even, tally, run.plan.endpoints).map(
      ({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`,
    );
  }
  const short = (name: string, seen: number, sent: number, source: string): string =>
    `delivery-short ${name}: ${name} got ${seen} of ${sent} frames of http from ${source}`;

  it('has to go both ways, by 99 %', () => {
    expect(trafficProofs([100, 1], [99, 1])).toEqual([]);
    expect(trafficProofs([100, 1], [98, 1])).toEqual([short('lan', 98, 100, 'a')]);
    expect(trafficProofs([100, 0], [100, 0])).toEqual([short('a', 0, 0, 'lan')]);
    expect(trafficProofs([0, 1], [5, 1])).toEqual([short('lan', 5, 0, 'a')]);
  });
  it('has to have worked', () => {
    expect(told([1, 1], [1, 1], false)).toContain('traffic-failed -: http a to lan: refused');
    expect(told([1, 1], [1, 1], null)).toContain('traffic-failed -: http a to lan: did not run');
    expect(told([1, 1], [1, 1]).filter((text) => text.startsWith('traffic-failed'))).toEqual([]);
  });
  it('need not arrive at who need not see it', () => {
    const step = there(run.plan.steps[0]);
    const free = { ...step, traffic: step.traffic.map((traffic) => ({ ...traffic, must: [] })) };
    expect(
      missing({
        run,
        step: () => free,
        facts: (facts) => ({ ...facts, trafficOk: new Map([[0, { ok: true, detail: '' }]]) }),
      }),
    ).toEqual([]);
  });
});

describe('a step that listens', () => {
  const run = perfectRun(scenario([stepOf({ probes: [], listenMs: 1000 })]));
  const step = there(run.plan.steps[0]);
  const deaf = (
    crossed: readonly (readonly [from: string, to: string])[],
    of: StepPlan = step,
  ): readonly (string | null)[] => {
    const tally = fullTally(run);
    for (const [from, to] of crossed) tally.crossed.set(`${from}|${to}`, { from, to });
    return missingProofs(
      of,
      {
        ...there(stepFacts(run.plan, run.timeline)[0]),
        stopped: Object.fromEntries(
          step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }]),
        ),
        written: {},
      },
      tally,
      run.plan.endpoints,
    )
      .filter(({ code }) => code === 'nothing-to-hear')
      .map(({ observer }) => observer);
  };
  it('proves something to who could have overheard two others', () => {
    expect(deaf([])).toEqual(['a', 'b', 'c', 'lan']);
    expect(deaf([['a', '52:54:00:00:00:02']])).toEqual(['a', 'b']);
    expect(
      deaf([
        ['a', '02:00:00:00:00:99'],
        ['c', '00:11:22:33:44:55'],
      ]),
    ).toEqual([]);
  });
  it('asks no bridge device, and nobody who is not judged', () => {
    expect(
      deaf([], { ...step, observers: step.observers.map((one) => ({ ...one, judged: one.name !== 'b' })) }),
    ).toEqual(['a', 'c', 'lan']);
    expect(deaf([], { ...step, listenMs: null })).toEqual([]);
  });
});
