import { describe, expect, it } from 'vitest';
import { countProbe } from '../../../../../src/core/judge/count/count-probe.js';
import { arrivalAt, createTallies } from '../../../../../src/core/judge/count/tally.js';
import type { Flow, FrameSpec } from '../../../../../src/core/model/plan.js';
import type { Result } from '../../../../../src/core/model/result.js';
import type { ProbeEntry, Scenario } from '../../../../../src/core/model/scenario.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { probeHopLimit } from '../../../../../src/core/probe/frames/parts.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import {
  addFrames,
  type Captured,
  type Evidence,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../../support/judge/perfect-run.js';

const [probe] = step().probes;
if (probe === undefined) throw new Error('the fixture has changed');
const probing = (...entries: readonly Partial<ProbeEntry>[]): Scenario =>
  scenario([step({ probes: entries.map((over) => ({ ...probe, ...over })) })]);
function flowOf({ plan }: Evidence, at = 0): Flow {
  const flow = plan.steps[0]?.flows.at(at);
  if (flow === undefined) throw new Error('the plan has no flow');
  return flow;
}
const frameOf = (evidence: Evidence, flow: Flow, sequence: number, over: Partial<FrameSpec> = {}): Uint8Array =>
  buildFrame({ ...flow.frame, ...over }, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1));
const enters = (observer: string, bytes: Uint8Array): Captured => ({ observer, outgoing: false, bytes });
const overheard = (bytes: Uint8Array): Captured => ({ observer: 'c', outgoing: true, bytes });
const reported = (result: Result): readonly string[] =>
  result.steps.flatMap(({ reasons }) => reasons.map(({ code, text }) => `${code}: ${text}`));
const leaks = (result: Result): readonly string[] =>
  result.steps.flatMap(({ findings }) =>
    findings.filter(({ leak }) => leak).map(({ probe: at, from, observer }) => `${at}: ${from} at ${observer}`),
  );

describe('a token that enters the bridge again', () => {
  const replayed = 'replayed: c saw 1 tokens that it may not have, after a guest that had got them sent them again';
  it('from a guest that nobody was heard handing it to says that somebody reached it past the ears', () => {
    const evidence = perfectRun();
    addFrames(evidence, enters('b', frameOf(evidence, flowOf(evidence), 3)));
    evidence.frames.unshift(...evidence.frames.splice(-1));
    const elsewhere = perfectRun();
    addFrames(elsewhere, enters('c', frameOf(elsewhere, flowOf(elsewhere), 3)));
    expect([reported(judge(evidence)), reported(judge(elsewhere))]).toEqual([
      ['unheard-delivery: b sent 1 tokens that nobody was heard handing to it'],
      ['unheard-delivery: c sent 1 tokens that nobody was heard handing to it'],
    ]);
  });
  it('from a guest that had got it is no reason by itself: errors quote, echo replies carry', () => {
    const evidence = perfectRun();
    addFrames(evidence, enters('b', frameOf(evidence, flowOf(evidence), 3)));
    expect([reported(judge(evidence)), leaks(judge(evidence))]).toEqual([[], []]);
  });
  it('makes later sightings doubtful, and no earlier ones', () => {
    const evidence = perfectRun();
    const bytes = frameOf(evidence, flowOf(evidence), 3);
    addFrames(evidence, overheard(bytes), enters('b', bytes), overheard(bytes));
    expect([reported(judge(evidence)), leaks(judge(evidence))]).toEqual([[], ['0: a at c']]);
  });
  it('counts towards the sender never', () => {
    const evidence = perfectRun();
    const bytes = frameOf(evidence, flowOf(evidence), 3);
    addFrames(evidence, { observer: 'a', outgoing: true, bytes });
    expect([reported(judge(evidence)), leaks(judge(evidence))]).toEqual([[], []]);
  });
  it('counts towards another interface of the sender’s owner never', () => {
    const of = probing({ count: 20 });
    const owned = (...names: readonly string[]): Result => {
      const evidence = perfectRun({
        ...of,
        topology: {
          ...of.topology,
          endpoints: of.topology.endpoints.map((endpoint) =>
            names.includes(endpoint.name) ? { ...endpoint, owner: 'vm' } : endpoint,
          ),
        },
      });
      addFrames(evidence, overheard(frameOf(evidence, flowOf(evidence), 3)));
      return judge(evidence);
    };
    expect([leaks(owned()), leaks(owned('a', 'c')), leaks(owned('b', 'c'))]).toEqual([
      ['0: a at c'],
      [],
      ['0: a at c'],
    ]);
    expect(owned('a', 'c').steps[0]?.findings.map(({ observer }) => observer)).not.toContain('c');
  });
  it('is the sender’s own where it says it a second time', () => {
    const evidence = perfectRun();
    const bytes = frameOf(evidence, flowOf(evidence), 3);
    addFrames(evidence, enters('a', bytes), overheard(bytes));
    expect([reported(judge(evidence)), leaks(judge(evidence))]).toEqual([[replayed], []]);
  });
  it('by the uplink, as a switch beyond it does, hides no leak and is no replay', () => {
    const evidence = perfectRun(probing({ from: ['lan'] }));
    const bytes = frameOf(evidence, flowOf(evidence), 3);
    addFrames(evidence, enters('lan', bytes), overheard(bytes));
    expect([reported(judge(evidence)), leaks(judge(evidence))]).toEqual([[], ['0: lan at c']]);
  });
  it('is doubtful wherever a guest said it, whatever the uplink did', () => {
    const said = (...names: readonly string[]): Result => {
      const evidence = perfectRun();
      const bytes = frameOf(evidence, flowOf(evidence), 3);
      addFrames(evidence, ...names.map((name) => enters(name, bytes)), overheard(bytes));
      return judge(evidence);
    };
    expect([leaks(said('b', 'lan')), reported(said('b', 'lan'))]).toEqual([[], [replayed]]);
    expect([leaks(said('lan', 'b')), reported(said('lan', 'b'))]).toEqual([[], [replayed]]);
    expect([leaks(said('lan')), reported(said('lan'))]).toEqual([['0: a at c'], []]);
    expect(said('lan').steps[0]?.findings.find(({ leak }) => leak)?.reflected).toBe(1);
  });
  it('by the uplink of another bridge has only gone on', () => {
    const evidence = perfectRun();
    const bytes = frameOf(evidence, flowOf(evidence), 3);
    addFrames(evidence, enters('lan', bytes), overheard(bytes));
    const elsewhere = evidence.plan.steps.map((of) => ({
      ...of,
      observers: of.observers.map((observer) => (observer.name === 'lan' ? { ...observer, bridge: 'br9' } : observer)),
    }));
    const found = judge({ ...evidence, plan: { ...evidence.plan, steps: elsewhere } }).steps[0]?.findings;
    expect(found?.find(({ leak }) => leak)).not.toHaveProperty('reflected');
  });
  it('hides no leak of another token', () => {
    const evidence = perfectRun(probing({ count: 20 }, { count: 40 }));
    const [first, second] = [flowOf(evidence), flowOf(evidence, 1)];
    addFrames(
      evidence,
      ...Array.from({ length: 20 }, (_, sequence) => enters('b', frameOf(evidence, first, sequence))),
      ...Array.from({ length: 40 }, (_, sequence) => overheard(frameOf(evidence, second, sequence))),
    );
    const result = judge(evidence);
    expect(leaks(result)).toEqual(['1: a at c']);
    expect(result.steps[0]?.findings.find(({ leak }) => leak)?.seen).toBe(40);
  });
  it('is none where a guest routed it, or where it passes the bridge device twice', () => {
    const of = probing({ carriers: ['ipv4-udp'] });
    const evidence = perfectRun({
      ...of,
      topology: {
        ...of.topology,
        endpoints: of.topology.endpoints.map((endpoint, at) => ({
          ...endpoint,
          ips: [{ family: 4, address: `10.0.0.${at + 1}`, prefix: 24 }],
        })),
      },
    });
    const routed = frameOf(evidence, flowOf(evidence), 3, {
      srcMac: '52:54:00:00:00:02',
      dstMac: '52:54:00:00:00:03',
    }).slice();
    routed[14 + 8] = probeHopLimit - 1;
    const passing = { observer: 'br0', outgoing: true, bytes: frameOf(evidence, flowOf(evidence), 4) };
    addFrames(evidence, enters('b', routed), passing, passing);
    expect([reported(judge(evidence)), leaks(judge(evidence))]).toEqual([[], []]);
  });
});

describe('when a probe was seen', () => {
  const count = (of: Scenario): readonly number[] => {
    const evidence = perfectRun(of);
    const [step] = evidence.plan.steps;
    const observer = step?.observers.find(({ name }) => name === 'c');
    if (step === undefined || observer === undefined) throw new Error('the fixture has changed');
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
    const turned = (direction: 'known' | 'inferred', from: (frame: Captured) => boolean): readonly string[] => {
      const evidence = perfectRun();
      const at = evidence.frames.findIndex(from);
      evidence.frames = evidence.frames.map((frame, index) =>
        index === at ? { ...frame, outgoing: !frame.outgoing } : frame,
      );
      evidence.timeline = evidence.timeline.map((entry) =>
        entry.event === 'listening' ? { ...entry, facts: { ...entry.facts, direction } } : entry,
      );
      return judge(evidence).steps.flatMap(({ reasons }) =>
        reasons.map(({ code, observer }) => `${code} ${observer ?? '-'}`),
      );
    };
    const fromC = ({ observer, outgoing }: Captured): boolean => observer === 'c' && !outgoing;
    expect([turned('known', ofC), turned('known', fromC), turned('inferred', ofC), turned('inferred', fromC)]).toEqual([
      ['control-missing c'],
      ['control-missing c'],
      [],
      [],
    ]);
  });
  it('proves nothing of its step where it is heard in another, as who says it again could make it', () => {
    const evidence = perfectRun(scenario([step(), step({ name: 'two' })]));
    const at = evidence.frames.findIndex(ofC);
    evidence.frames = evidence.frames.map((frame, index) => (index === at ? { ...frame, step: 1 } : frame));
    const packets = evidence.frames.length;
    expect(
      judge(evidence, packets).steps[0]?.reasons.map(({ code, observer }) => `${code} ${observer ?? '-'}`),
    ).toContain('control-missing c');
  });
});

describe('a forged token', () => {
  it('makes the frame that carries it no other than a frame without one: foreign unicast in a step that listens', () => {
    const evidence = perfectRun(scenario([step({ probes: [], listenMs: 1000 })]));
    const bytes = buildFrame(
      {
        carrier: 'raw',
        srcMac: '52:54:00:00:00:01',
        dstMac: '52:54:00:00:00:02',
        vlan: [],
        srcIp: null,
        dstIp: null,
        size: 60,
      },
      tokensFor(Buffer.alloc(32, 9), evidence.plan.runTag, 0, 1),
    );
    addFrames(evidence, enters('a', bytes), overheard(bytes));
    expect(leaks(judge(evidence))).toEqual(['0: a at c']);
  });
});
