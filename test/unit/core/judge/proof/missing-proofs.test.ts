import { describe, expect, it } from 'vitest';
import { type StepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { StepTally } from '../../../../../src/core/judge/count/tally.js';
import type { Control, StepPlan } from '../../../../../src/core/model/plan.js';
import type { Counters } from '../../../../../src/core/model/timeline.js';
import { hostState, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';
import { withEndpoints } from '../../../../support/judge/judged.js';
import { missing } from '../../../../support/judge/proof-fixture.js';
import { changedState, setBridges } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const counters = (over: Partial<Counters>) => (facts: StepFacts) => ({
  stopped: { ...facts.stopped, c: { received: 0, dropped: 0, delivered: 0, ...over } },
});

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
      { facts: (facts) => ({ written: { ...facts.written, c: 3 } }) },
      ['evidence-incomplete c: 3 frames were written for c, 0 were read back'],
    ],
    [
      'frames that nobody wrote',
      { tally: (tally) => void tally.read.set('c', 4) },
      ['evidence-incomplete c: 0 frames were written for c, 4 were read back'],
    ],
    [
      'frames that nobody counted as written',
      { facts: { written: {} }, tally: (tally) => void tally.read.set('c', 4) },
      ['evidence-incomplete c: 0 frames were written for c, 4 were read back'],
    ],
    [
      'tokens that were seen twice without a direction',
      { tally: (tally) => void tally.twice.set('c', 2) },
      ['replay-possible c: 2 tokens were seen again at c'],
    ],
    [
      'an observer that did not listen in time',
      { facts: { listenedInTime: new Set(['a', 'b', 'lan', 'br0']) } },
      ['not-listening c: c (p2) did not listen before the first probe'],
    ],
    [
      'a capture without an end',
      {
        facts: (facts) => ({
          stopped: Object.fromEntries(Object.entries(facts.stopped).filter(([name]) => name !== 'c')),
        }),
      },
      ['helper-died c: the capture of c did not come to its end'],
    ],
    [
      'sightings after a guest said the tokens again, and a guest that no capture saw a token reach',
      { tally: (tally) => void [tally.replayed.set('c', 2), tally.unheard.set('b', 1)] },
      [
        'replayed c: c saw 2 tokens that it may not have, after a guest that had got them sent them again',
        'unheard-delivery b: b sent 1 tokens that no capture saw reach it',
      ],
    ],
    ['a clock that was set', { facts: { clockShiftMs: 500.6 } }, ['clock-changed -: the wall clock was set by 501 ms']],
    [
      'frames of one observer that could not be written',
      { facts: { keptFrames: [{ observer: 'c', towards: true, frame: '', atNs: '0' }] } },
      ['evidence-incomplete c: not all frames of c could be written; 1 with tokens were kept in memory'],
    ],
    [
      'a wait that was cut short',
      { facts: { drainedMs: 49 } },
      ['drain-incomplete -: the wait of 50 ms after the last probe was not kept'],
    ],
    [
      'a wait that nobody told',
      { facts: { drainedMs: null } },
      ['drain-incomplete -: the wait of 50 ms after the last probe was not kept'],
    ],
    [
      'a fault of an observer',
      { facts: { faults: [{ code: 'interface-down', observers: ['c', 'b'], text: 'down' }] } },
      ['interface-down c: down', 'interface-down b: down'],
    ],
    [
      'a fault of the step',
      { facts: { faults: [{ code: 'interrupted', observers: [], text: 'SIGINT' }] } },
      ['interrupted -: SIGINT'],
    ],
    [
      'a fault that this version does not know',
      { facts: { faults: [{ code: JSON.parse('"toString"'), observers: [], text: 'new' }] } },
      ['step-failed -: new'],
    ],
    ['a step that ended with a fault', { facts: { outcome: 'fault' } }, ['step-failed -: the step ended with a fault']],
    [
      'a step that ended with a fault that is told',
      {
        facts: { outcome: 'fault', faults: [{ code: 'helper-died', observers: ['c'], text: 'gone' }] },
      },
      ['helper-died c: gone'],
    ],
  ])('lacks: %s', (_, change, expected) => expect(missing(change)).toEqual(expected));

  it('keeps a clock that drifts, and a wait that was longer', () => {
    expect(missing({ facts: { clockShiftMs: 500, drainedMs: 51 } })).toEqual([]);
    expect(missing({ facts: { drainedMs: 50 } })).toEqual([]);
  });

  it('of a step that was not done or cannot be is that alone, with its faults', () => {
    const fault = { code: 'unsupported', observers: [], text: 'no such key' } as const;
    const failed = 'step-failed -: the step ended with a fault';
    const unable = 'unsupported -: this kernel or this build cannot do the step';
    const notRun = 'not-run -: the run ended before the step was done';
    const undrained = 'drain-incomplete -: the wait of 50 ms after the last probe was not kept';
    const interrupted = { faults: [{ ...fault, code: 'interrupted' }] } as const;
    for (const [facts, ...reasons] of [
      [{ outcome: 'not-run', drainedMs: 50 }, notRun],
      [{ outcome: null, ...interrupted }, 'interrupted -: no such key', notRun],
      [{ outcome: 'unsupported' }, unable],
      [{ outcome: 'unsupported', ...interrupted }, 'interrupted -: no such key', unable],
      [{ outcome: 'unsupported', probed: false, faults: [fault] }, 'unsupported -: no such key'],
      [{ outcome: 'fault', probed: false }, failed],
      [{ probed: false }, undrained],
    ] as const)
      expect(missing({ facts: { drainedMs: null, ...facts } })).toEqual(reasons);
  });
});

describe('ear controls', () => {
  const run = perfectRun();
  const controls = there(run.plan.steps[0]).controls.filter(({ kind, observer }) => kind === 'ear' && observer === 'c');

  it('that were not sent prove nothing, seen or not', () => {
    const unsent = new Set(controls.slice(0, 2).map(({ index }) => index));
    const sent = ({ controlsAccepted }: StepFacts) => ({
      controlsAccepted: new Set([...controlsAccepted].filter((index) => !unsent.has(index))),
    });
    expect(missing({ facts: sent })).toEqual(['control-missing c: 2 of 6 ear controls were not sent']);
  });
  it('that were not seen are told by their phases and the first of them', () => {
    const from = controls.filter(({ sender }) => sender !== null).map(({ index }) => index);
    expect(missing({ tally: ({ controls: seen }) => from.slice(1).forEach((index) => seen.delete(index)) })).toEqual([
      expect.stringMatching(
        /^control-missing c: 2 of 6 ear controls were not seen \(between, after the probes; the first: raw from 03:76:69:ff:ff:fd, from the guest\)$/,
      ),
    ]);
  });
});

describe('a judged bridge device', () => {
  const of = scenario([step()]);
  const a = there(of.topology.endpoints[0]);
  const run = perfectRun(
    withEndpoints(of, () => ({}), { ...a, name: 'host', port: null, attach: 'host', role: 'host', macs: [] }),
  );
  const entries = there(run.plan.steps[0]).controls.filter(({ kind }) => kind === 'entry');
  const deafTo = (isDeaf: (control: Control) => boolean) => (tally: StepTally) => {
    for (const control of entries) if (isDeaf(control)) tally.controls.delete(control.index);
  };
  const lacking = (said: string): readonly string[] => [
    `control-missing host: ${said}: that host (br0) would hear frames is not proved`,
  ];

  it('is proved by the entry controls, one in each phase', () => {
    expect(entries.map(({ observer }) => observer)).toContain('host');
    expect(missing({ run })).toEqual([]);
  });

  it('is not where none of them was heard, or none from some moment on, whatever addressees got', () => {
    expect(missing({ run, tally: deafTo(() => true) })).toEqual(
      lacking('none of its entry controls was received (before, between, after the probes)'),
    );
    expect(missing({ run, tally: deafTo(({ phase }) => phase !== 'before') })).toEqual(
      lacking('none of its entry controls was received (between, after the probes)'),
    );
  });

  it('is let be where the bridge is in no VLAN in which they enter', () => {
    const filtering = changedState(hostState(), setBridges({ vlan_filtering: 1 }), {
      vlan: ['p0', 'p1', 'p2', 'p3'].map((ifname) => ({ ifname, vlans: [{ vlan: 10, flags: ['PVID'] }] })),
    });
    const states = { before: filtering, after: filtering };
    expect(missing({ run, states, tally: deafTo(() => true) })).toEqual([]);
    expect(missing({ run, states, tally: deafTo(({ phase }) => phase === 'after') })).toHaveLength(1);
  });

  it('is not where its MAC is not known, so that no control can be sent', () => {
    const withoutEntry = (step: StepPlan): StepPlan => ({
      ...step,
      controls: step.controls.filter(({ kind }) => kind !== 'entry'),
    });
    expect(missing({ run, step: withoutEntry })).toEqual(lacking('no control could be sent to the bridge device'));
  });
});

describe('a judged observer without any control', () => {
  const bare = (step: StepPlan): StepPlan => ({
    ...step,
    controls: step.controls.filter(({ kind, observer }) => kind !== 'ear' || observer !== 'c'),
  });
  it('is not proved', () =>
    expect(missing({ step: bare })).toEqual(['control-missing c: no ear control could be sent']));
  it('is no ear that the step found', () =>
    expect(
      missing({
        step: (step) => ({
          ...bare(step),
          observers: step.observers.map((observer) =>
            observer.name === 'c' ? { ...observer, device: { name: 'c', space: null, kind: 'macvlan' } } : observer,
          ),
        }),
      }),
    ).toEqual([]));
});
