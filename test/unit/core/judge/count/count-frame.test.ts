import { describe, expect, it } from 'vitest';
import { countProbe } from '../../../../../src/core/judge/count/count-probe.js';
import { arrivalAt, createTallies } from '../../../../../src/core/judge/count/tally.js';
import type { Scenario } from '../../../../../src/core/model/scenario.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { probeHopLimit } from '../../../../../src/core/probe/frames/parts.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import {
  addressed,
  type Change,
  flowOf,
  type Judged,
  judged,
  judgedOf,
  judgedRun,
  changedRun,
  listening,
  plans,
  probeFrame,
  probing,
  receives,
  records,
  sends,
  withEndpoints,
} from '../../../../support/judge/judged.js';
import { type Captured, type Evidence, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';
import { there } from '../../../../support/there.js';

/** What is said of the run, and what leaked at c: `probe: from at c`. */
const outcome = ({ texts, leaks }: Judged) => [
  texts,
  leaks.map(({ probe, from, observer }) => `${probe}: ${from} at ${observer}`),
];
const overheard = receives('c', 3);

describe('a token that enters the bridge again', () => {
  const replayed = 'replayed c: c saw 1 tokens that it may not have, after a guest that had got them sent them again';
  const leaked = '0: a at c';
  const toTheFront: Change = ({ frames }) => void frames.unshift(...frames.splice(-1));
  it.each<[string, readonly Change[], readonly string[], readonly string[]]>([
    [
      'from a guest that no capture saw reach it says that somebody reached it past the ears',
      [sends('b', 3), toTheFront],
      ['unheard-delivery b: b sent 1 tokens that no capture saw reach it'],
      [],
    ],
    [
      'from a guest that it was not for says that somebody reached it past the ears',
      [sends('c', 3)],
      ['unheard-delivery c: c sent 1 tokens that no capture saw reach it'],
      [],
    ],
    ['from a guest that had got it is no reason by itself: errors quote, echo replies carry', [sends('b', 3)], [], []],
    ['makes later sightings doubtful, and no earlier ones', [overheard, sends('b', 3), overheard], [], [leaked]],
    ['counts towards the sender never', [receives('a', 3)], [], []],
    ['is the sender’s own where it says it a second time', [sends('a', 3), overheard], [replayed], []],
    [
      'is doubtful where a guest said it before the uplink',
      [sends('b', 3), sends('lan', 3), overheard],
      [replayed],
      [],
    ],
    ['is doubtful where a guest said it after the uplink', [sends('lan', 3), sends('b', 3), overheard], [replayed], []],
    ['by the uplink alone is no replay', [sends('lan', 3), overheard], [], [leaked]],
  ])('%s', (_, changes, texts, leaks) => expect(outcome(judged(...changes))).toEqual([texts, leaks]));
  it('counts towards another interface of the sender’s owner never', () => {
    const owned = (...names: readonly string[]): Judged =>
      judgedOf(
        withEndpoints(probing({ count: 20 }), ({ name }) => (names.includes(name) ? { owner: 'vm' } : {})),
        overheard,
      );
    expect([owned(), owned('a', 'c'), owned('b', 'c')].map((run) => outcome(run)[1])).toEqual([[leaked], [], [leaked]]);
    expect(owned('a', 'c').findings.map(({ observer }) => observer)).not.toContain('c');
  });
  it('by the uplink, as a switch beyond it does, hides no leak and is no replay', () =>
    expect(outcome(judgedOf(probing({ from: ['lan'] }), sends('lan', 3), overheard))).toEqual([[], ['0: lan at c']]));
  it('by the uplink of its bridge is counted as reflected', () =>
    expect(judged(sends('lan', 3), overheard).leaks[0]?.reflected).toBe(1));
  it('by the uplink of another bridge has only gone on', () => {
    const elsewhere = plans(({ steps }) => ({
      steps: steps.map((of) => ({
        ...of,
        observers: of.observers.map((observer) =>
          observer.name === 'lan' ? { ...observer, bridge: 'br9' } : observer,
        ),
      })),
    }));
    const { leaks } = judged(sends('lan', 3), overheard, elsewhere);
    expect(leaks).toHaveLength(1);
    expect(leaks[0]).not.toHaveProperty('reflected');
  });
  it('hides no leak of another token', () => {
    const { leaks } = judgedOf(
      probing({ count: 20 }, { count: 40 }),
      ...Array.from({ length: 20 }, (_, sequence) => sends('b', sequence)),
      ...Array.from({ length: 40 }, (_, sequence) =>
        receives('c', (evidence) => probeFrame(evidence, sequence, flowOf(evidence, 1))),
      ),
    );
    expect(leaks).toMatchObject([{ probe: 1, from: 'a', observer: 'c', seen: 40 }]);
  });
  it('is none where a guest routed it, or where it passes the bridge device twice', () => {
    const ends = { srcMac: '52:54:00:00:00:02', dstMac: '52:54:00:00:00:03' };
    const routed = sends('b', (evidence) => {
      const bytes = probeFrame(evidence, 3, flowOf(evidence), ends).slice();
      bytes[14 + 8] = probeHopLimit - 1;
      return bytes;
    });
    const passes = receives('br0', 4);
    expect(outcome(judgedOf(addressed(probing({ carriers: ['ipv4-udp'] })), routed, passes, passes))).toEqual([[], []]);
  });
});

describe('when a probe was seen', () => {
  const count = (of: Scenario): readonly number[] => {
    const evidence = perfectRun(of);
    const step = there(evidence.plan.steps[0]);
    const observer = there(step.observers.find(({ name }) => name === 'c'));
    const tallies = createTallies(evidence.plan, true);
    const flow = flowOf(evidence);
    for (const sequence of [4, 4, 5])
      countProbe(
        { flow, sequence, form: 'as-sent' },
        { ...arrivalAt(step, observer, false), towards: true, frame: 1, low: sequence },
        tallies,
      );
    return [...(tallies.steps[0]?.moments.values() ?? [])].flatMap((moments) =>
      moments.map(({ sequence }) => sequence),
    );
  };
  it('is kept in a step with events alone, each probe once', () => {
    expect(count(scenario([step({ during: [{ atMs: 0, run: [], settleMs: 0 }] })]))).toEqual([4, 5]);
    expect(count(scenario([step()]))).toEqual([]);
  });
});

describe('a control', () => {
  const ofC = ({ observer, outgoing }: Captured): boolean => observer === 'c' && outgoing;
  it('proves an ear only in its own direction, which an engine without directions cannot tell', () => {
    const turned = (direction: 'known' | 'inferred', isMeant: (frame: Captured) => boolean): readonly string[] =>
      judged(
        (evidence) => {
          const at = evidence.frames.findIndex(isMeant);
          evidence.frames = evidence.frames.map((frame, index) =>
            index === at ? { ...frame, outgoing: !frame.outgoing } : frame,
          );
        },
        records('listening', ({ facts }) => ({ facts: { ...facts, direction } })),
      ).reasons;
    const fromC = ({ observer, outgoing }: Captured): boolean => observer === 'c' && !outgoing;
    expect([turned('known', ofC), turned('known', fromC), turned('inferred', ofC), turned('inferred', fromC)]).toEqual([
      ['control-missing c'],
      ['control-missing c'],
      [],
      [],
    ]);
  });
  it('proves nothing of its step where it is heard in another, as who says it again could make it', () => {
    const evidence = changedRun(scenario([step(), step({ name: 'two' })]));
    const at = evidence.frames.findIndex(ofC);
    evidence.frames = evidence.frames.map((frame, index) => (index === at ? { ...frame, step: 1 } : frame));
    expect(judgedRun(evidence).steps[0]?.reasons).toContainEqual(
      expect.objectContaining({ code: 'control-missing', observer: 'c' }),
    );
  });
});

describe('a forged token', () => {
  it('makes the frame that carries it no other than a frame without one: foreign unicast in a step that listens', () => {
    const frame = {
      carrier: 'raw',
      srcMac: '52:54:00:00:00:01',
      dstMac: '52:54:00:00:00:02',
      vlan: [],
      srcIp: null,
      dstIp: null,
      size: 60,
    } as const;
    const forged = ({ plan }: Evidence): Uint8Array =>
      buildFrame(frame, tokensFor(Buffer.alloc(32, 9), plan.runTag, 0, 1));
    expect(outcome(judgedOf(listening(), sends('a', forged), receives('c', forged)))[1]).toEqual(['0: a at c']);
  });
});
