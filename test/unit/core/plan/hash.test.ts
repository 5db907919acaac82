import { describe, expect, it } from 'vitest';
import type { Flows, Plan, StepPlan } from '../../../../src/core/model/plan.js';
import { type HashInput, planHash as hashOf } from '../../../../src/core/plan/hash.js';
import { inventedMac } from '../../../../src/core/probe/addresses.js';
import { describeNewMacs } from '../../../../src/core/plan/new-macs.js';
import { flow, plan, step } from '../../../support/judge/row-fixture.js';

const withStep = (over: Partial<StepPlan>): Plan => ({ ...plan, steps: [{ ...step, ...over }] });
const withFrame = (frame: Partial<typeof flow.frame>): Plan =>
  withStep({ flows: [{ ...flow, frame: { ...flow.frame, ...frame } }] });

const surroundings: HashInput = { files: [{ path: 'a/rules.nft', sha256: 'aa' }], toolVersion: '1' };
const planHash = (of: Plan, around = surroundings): string => hashOf(of, around);

describe('the hash of a plan', () => {
  it('is SHA-256 in hex', () => expect(planHash(plan)).toMatch(/^[0-9a-f]{64}$/));
  it.each<[string, Plan]>([
    ['the run’s tag and key', { ...plan, runTag: 5, keySha256: 'x' }],
    ['numbers of tokens', withStep({ flows: step.flows.map((flow) => ({ ...flow, first: 99 })) })],
    ['the line in the file', withStep({ line: 77 })],
    [
      'MACs that a port has learned',
      withStep({ observers: step.observers.map((observer) => ({ ...observer, macs: [] })) }),
    ],
  ])('does not change with %s', (_, otherPlan) => expect(planHash(otherPlan)).toBe(planHash(plan)));
  it.each(['srcMac', 'dstMac'] as const)(
    'does not change with a %s that the run invents, and does with any other',
    (key) => {
      const hashWith = (mac: string): string => planHash(withFrame({ [key]: mac }));
      const [first, second] = [0, 300].map((ordinal) => inventedMac(plan.runTag, ordinal));
      expect(hashWith(first ?? '')).toBe(hashWith(second ?? ''));
      expect(hashWith('06:00:00:00:00:01')).not.toBe(hashWith('06:00:00:00:00:02'));
      expect(hashWith('02:06:00:00:00:01')).not.toBe(hashWith('02:06:00:00:00:02'));
    },
  );
  it.each<[string, Plan]>([
    ['the name', { ...plan, name: 'x' }],
    ['where it runs', { ...plan, provider: 'host' }],
    ['the bridges', { ...plan, bridges: [] }],
    ['a step’s name', withStep({ name: 'x' })],
    ['the changes', withStep({ changes: [{ kind: 'fdb-flush', bridge: 'br0' }] })],
    ['who announces itself', withStep({ learn: ['a'] })],
    ['the wait', withStep({ waitMs: 1 })],
    ['the rate', withStep({ rate: 1 })],
    ['that it listens', withStep({ listenMs: 1 })],
    ['what happens meanwhile', withStep({ during: [{ atMs: 0, run: [], settleMs: 0 }] })],
    [
      'the traffic',
      withStep({ traffic: [{ kind: 'http', from: 'a', to: 'b', requests: 1, bytes: 1, must: [], may: [] }] }),
    ],
    ['a count', withStep({ flows: step.flows.map((flow) => ({ ...flow, count: 21 })) })],
    ['what a flow is for', withStep({ flows: step.flows.map((flow) => ({ ...flow, purpose: 'stimulus' as const })) })],
    ['a variant', withStep({ flows: step.flows.map((flow) => ({ ...flow, variant: 'x' })) })],
    ['the entry of a flow', withStep({ flows: step.flows.map((flow) => ({ ...flow, probe: 7 })) })],
    [
      'where somebody listens',
      withStep({ observers: step.observers.map((observer) => ({ ...observer, place: 'relay' })) }),
    ],
    [
      'whom an observer is for',
      withStep({ observers: step.observers.map((observer) => ({ ...observer, role: 'uplink' })) }),
    ],
    ['what is not proved inwards', withStep({ inwardUnproved: ['c'] })],
    ['a sender', withStep({ flows: step.flows.map((flow) => ({ ...flow, sender: 'c' })) })],
    ['a frame', withFrame({ size: 61 })],
    ['a control', withStep({ controls: step.controls.slice(1) })],
    ['who listens', withStep({ observers: step.observers.slice(1) })],
    [
      'who is judged',
      withStep({ observers: step.observers.map((observer) => ({ ...observer, judged: !observer.judged })) }),
    ],
    ['what is expected', withStep({ expect: { ...step.expect, expected: 'broken' } })],
    [
      'what is accepted',
      withStep({
        expect: {
          ...step.expect,
          accept: [{ observer: 'c', class: 'broadcast', reason: 'x', owner: null, ticket: null, until: null }],
        },
      }),
    ],
    ['what is claimed to be seen', withStep({ flows: step.flows.map((flow) => ({ ...flow, may: ['c'] })) })],
    ['the scope', { ...plan, partialScope: 'one port only' }],
    ['the hosts', { ...plan, hosts: [{ name: 'hv2', ssh: 'hv2', command: ['verify-isolation'] }] }],
  ])('changes with %s', (_, otherPlan) => expect(planHash(otherPlan)).not.toBe(planHash(plan)));
  it.each<[string, HashInput]>([
    ['the content of a file', { ...surroundings, files: [{ path: 'a/rules.nft', sha256: 'bb' }] }],
    ['a file more', { ...surroundings, files: [...surroundings.files, { path: 'x', sha256: 'aa' }] }],
    ['the program’s version', { ...surroundings, toolVersion: '2' }],
  ])('changes with %s', (_, hashInput) => expect(planHash(plan, hashInput)).not.toBe(planHash(plan)));
  it('takes the flows one after the other: their text together would not fit into a string', () => {
    const listed = (): never => {
      throw new Error('a list of all flows was made');
    };
    const walked: Flows = {
      length: step.flows.length,
      at: (index) => step.flows.at(index),
      forEach: (visit) => step.flows.forEach((of, index) => visit(of, index)),
      reduce: listed,
      map: listed,
      flatMap: listed,
      filter: listed,
      some: listed,
      every: listed,
      [Symbol.iterator]: listed,
    };
    expect(planHash(withStep({ flows: walked }))).toBe(planHash(plan));
  });
  it('does not change with the folder of a file', () =>
    expect(planHash(plan, { ...surroundings, files: [{ path: '/b/rules.nft', sha256: 'aa' }] })).toBe(planHash(plan)));
});

describe('sources that nobody has', () => {
  const spoofed = withFrame({ srcMac: '06:00:00:00:00:99' });
  const reported = (of: Plan): readonly string[] => describeNewMacs(of);
  it('are told by step, class and sender, each once', () => {
    const twice: Plan = {
      ...spoofed,
      steps: [
        { ...step, flows: [...(spoofed.steps[0]?.flows ?? []), ...(spoofed.steps[0]?.flows ?? [])] },
        { ...step, index: 1, flows: spoofed.steps[0]?.flows ?? [] },
      ],
    };
    expect(reported(twice)).toEqual(['step 1: known-unicast by a', 'step 2: known-unicast by a']);
  });
  it('are none where an endpoint or a bridge has them, where no uplink could carry them out, or where the uplink itself speaks', () => {
    expect(reported(plan)).toEqual([]);
    expect(reported(withFrame({ srcMac: Object.values(plan.bridgeMacs)[0] ?? '' }))).toEqual([]);
    expect(
      reported({ ...spoofed, endpoints: plan.endpoints.map((endpoint) => ({ ...endpoint, role: 'guest' })) }),
    ).toEqual([]);
    expect(
      reported({
        ...spoofed,
        steps: spoofed.steps.map((step) => ({
          ...step,
          flows: step.flows.map((each) => ({ ...each, sender: 'lan' })),
        })),
      }),
    ).toEqual([]);
  });
  it('are none on a bridge without an uplink, beside one that has some', () => {
    const apart = plan.endpoints.map((each) => (each.role === 'uplink' ? { ...each, bridge: 'br9' } : each));
    expect(reported({ ...spoofed, endpoints: apart })).toEqual([]);
  });
  it('are those of a sweep, whatever its first one is', () =>
    expect(reported(withFrame({ form: 'source-sweep' }))).toEqual(['step 1: known-unicast by a']));
});
