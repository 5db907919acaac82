import { describe, expect, it } from 'vitest';
import type { LinkedDevice } from '../../../../src/core/model/state.js';
import { earsAbove, planWithEars } from '../../../../src/core/plan/ears.js';
import { evidenceInterfaces } from '../../../../src/core/plan/evidence-interfaces.js';
import { judge, key, perfectRun, numbered } from '../../../support/judge/perfect-run.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import { step as planStep } from '../../../support/judge/unchanged-fixture.js';

const device = (name: string, parts: Partial<LinkedDevice> = {}): LinkedDevice => ({
  space: null,
  name,
  ifindex: 50,
  kind: '',
  mac: '02:00:00:00:00:77',
  lower: null,
  master: null,
  up: true,
  ...parts,
});
const host = [
  device('br0', { ifindex: 1, kind: 'bridge' }),
  ...['p0', 'p1', 'p2', 'p3'].map((name, at) => device(name, { ifindex: at + 2, kind: 'veth', master: 1 })),
];
const ears = (...more: readonly LinkedDevice[]): readonly string[] =>
  earsAbove(planStep, [...host, ...more]).map(
    ({ observer: { name, party } }) => `${name}${party === undefined ? '' : ` of ${party}`}`,
  );

describe('who gets frames beside the ports', () => {
  it('is nobody on a bridge with its ports', () => expect(ears()).toEqual([]));

  it('is a macvlan, an ipvlan or a VLAN device on the bridge or on a port, in another namespace', () => {
    const there = { space: '/proc/9/ns/net', lower: 1 };
    expect(
      ears(
        device('mv', { ...there, kind: 'macvlan' }),
        device('iv', { ...there, kind: 'ipvlan' }),
        device('p1.7', { ...there, kind: 'vlan', lower: 3 }),
      ),
    ).toEqual(['mv@br0', 'iv@br0', 'p1.7@p1']);
  });

  it('is not the host’s own, but for a virtual machine’s macvtap and another bridge’s port', () => {
    const here = { lower: 1, kind: 'macvlan' };
    expect(ears(device('mv', here), device('br0.7', { ...here, kind: 'vlan' }))).toEqual([]);
    expect(ears(device('tap7', { ...here, kind: 'macvtap' }))).toEqual(['tap7@br0']);
    expect(ears(device('br0.7', { ...here, kind: 'vlan', master: 60 }), device('br9', { ifindex: 60 }))).toEqual([
      'br0.7@br0',
    ]);
  });

  it('is no port, no device on another bridge, and none that is down', () => {
    const there = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 };
    expect(ears(device('mv', { ...there, up: false }))).toEqual([]);
    expect(ears(device('mv', { ...there, lower: 99 }))).toEqual([]);
    expect(ears(device('p0.7', { kind: 'vlan', lower: 2, master: 1 }))).toEqual([]);
    expect(ears(device('eth0', { space: '/proc/9/ns/net', kind: 'veth', lower: 2 }))).toEqual([]);
  });

  it('has a name of its own, and the endpoint whose port leads to its namespace', () => {
    const there = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 };
    expect(ears(device('mv', there), device('mv', { ...there, space: '/proc/8/ns/net' }))).toEqual([
      'mv@br0',
      'mv@br0#2',
    ]);
    expect(ears(device('mv', there), device('eth0', { ...there, kind: 'veth', lower: 4 }))).toEqual(['mv@br0 of c']);
  });
});

describe('an ear that a step found', () => {
  const heard = (party?: string) => {
    const evidence = perfectRun();
    const [found] = earsAbove(planStep, [
      ...host,
      device('mv', { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 }),
    ]);
    if (found === undefined) throw new Error('there is no ear');
    const observer = { ...found.observer, ...(party === undefined ? {} : { party }) };
    const at = evidence.timeline.findIndex(({ event }) => event === 'listening');
    const like = evidence.timeline[at];
    if (like?.event !== 'listening') throw new Error('nobody listens');
    const timeline = evidence.timeline.flatMap((entry, index) => {
      if (index === at)
        return [{ ...like, event: 'ear' as const, observer }, { ...like, observer: observer.name }, entry];
      if (entry.event !== 'stopped') return [entry];
      const counters = { ...entry.counters, [observer.name]: { received: 1, dropped: 0, delivered: 1 } };
      return [{ ...entry, counters, written: { ...entry.written, [observer.name]: 1 } }];
    });
    const plan = planWithEars(evidence.plan, timeline);
    const [flow] = plan.steps[0]?.flows ?? [];
    if (flow === undefined) throw new Error('the plan has no flow');
    const bytes = buildFrame(flow.frame, tokensFor(key, plan.runTag, flow.first, 1));
    const whole = { ...evidence, plan, timeline: [...numbered(timeline)], frames: [...evidence.frames] };
    return { evidence: whole, frame: { observer: observer.name, bytes } };
  };

  it('stands behind the observers that were planned', () => {
    const { evidence } = heard();
    expect(evidenceInterfaces(evidence.plan).at(-1)?.name).toBe('mv@br0');
    expect(evidenceInterfaces(evidence.plan).slice(0, -1)).toEqual(evidenceInterfaces(perfectRun().plan));
  });

  it('hears a leak in what comes in there, and says what it stands on', () => {
    const { evidence, frame } = heard();
    evidence.frames.push({ ...frame, outgoing: false });
    const result = judge(evidence);
    expect(result.verdict).toBe('broken');
    expect(result.steps[0]?.findings.find(({ leak }) => leak)).toMatchObject({
      observer: 'mv@br0',
      causes: [{ code: 'above-bridge', place: 'mv', value: 'on br0' }],
    });
  });

  it('may hear what its party may', () => {
    const { evidence, frame } = heard('b');
    evidence.frames.push({ ...frame, outgoing: false });
    expect(judge(evidence)).toMatchObject({ verdict: 'holds' });
  });

  it('is missed where it lost a frame', () => {
    const { evidence } = heard();
    const result = judge(evidence);
    expect(result.verdict).toBe('inconclusive');
    expect(result.steps[0]?.reasons).toMatchObject([{ code: 'evidence-incomplete', observer: 'mv@br0' }]);
  });
});
