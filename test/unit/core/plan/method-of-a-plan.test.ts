import { describe, expect, it } from 'vitest';
import type { Flow, Plan, StepPlan } from '../../../../src/core/model/plan.js';
import { limitsOf, methodStatement } from '../../../../src/core/plan/method-statement.js';
import { flow, plan, step } from '../../../support/judge/row-fixture.js';

const withStep = (over: Partial<StepPlan>, more: Partial<Plan> = {}): Plan => ({
  ...plan,
  ...more,
  steps: [{ ...step, ...over }],
});
const sentence = (over: Partial<StepPlan>): string =>
  methodStatement(withStep(over)).find((text) => text.startsWith('Step ')) ?? '';
const many = (count: number): readonly Flow[] =>
  Array.from({ length: count }, (_, id) => ({ ...flow, id, sender: `g${id}`, count: 2 }));

describe('the method', () => {
  it('of a step is told in one sentence: what was sent as whom, where it was observed, through which filter, and how it was proved', () => {
    expect(sentence({})).toBe(
      `Step 1, one: sent 20 frames of known-unicast (raw) as a. Observed at a (p0), b (p1), c (p2), lan (p3), with the filter ${JSON.stringify(step.filter)}. ${step.controls.length} controls prove ears and entry; 50 ms were left for late frames.`,
    );
  });
  it('sums up each class, what is not judged apart', () => {
    const otherFlow: Flow = { ...flow, id: 1, class: 'broadcast', carrier: 'ipv4-udp', count: 3, sender: 'b' };
    expect(
      sentence({
        flows: [
          flow,
          otherFlow,
          { ...flow, id: 2, carrier: 'arp', sender: 'c', count: 5 },
          { ...otherFlow, id: 3, judged: false },
        ],
      }),
    ).toContain(
      'sent 25 frames of known-unicast (raw, arp) as a, c; 3 frames of broadcast (ipv4-udp) as b; 3 frames of broadcast, not judged (ipv4-udp) as b. Observed',
    );
  });
  it('names eight at most, each once', () => {
    expect(sentence({ flows: many(8) })).toContain(
      '16 frames of known-unicast (raw) as g0, g1, g2, g3, g4, g5, g6, g7.',
    );
    expect(sentence({ flows: many(11) })).toContain('as g0, g1, g2, g3, g4, g5, g6, g7 and 3 more.');
  });
  it('names traffic, listening, and a filter that takes everything', () => {
    const traffic = [{ kind: 'http', from: 'a', to: 'lan', requests: 4, bytes: 1, must: [], may: [] }] as const;
    expect(sentence({ flows: [], traffic, listenMs: 1500, filter: '' })).toMatch(
      /^Step 1, one: sent 4 requests of http from a to lan, by programs in both; nothing for 1\.5 s\. Observed .+ with the filter "everything"\./,
    );
  });
  it('of a step that sends nothing is that it changes settings', () =>
    expect(sentence({ flows: [] })).toBe('Step 1, one: changes settings only.'));
  it('says where guests are: namespaces of the lab, or guests of the host', () => {
    expect(methodStatement(plan)[0]).toContain('network namespaces made for this run');
    expect(methodStatement({ ...plan, provider: 'host' })[0]).toContain('No software ran in a guest');
  });
});

describe('the limits', () => {
  it('name the classes that were sent, each once', () => {
    expect(limitsOf(withStep({ flows: [flow, flow, { ...flow, class: 'broadcast' }] }))[0]).toBe(
      'Nothing is said about frames that were not sent: the probes were of known-unicast, broadcast.',
    );
    expect(limitsOf(withStep({ flows: [] }))[0]).toBe(
      'Nothing is said about frames that were not sent: no probes were.',
    );
  });
  it('say that a lab is no host, and what was not meant to be observed', () => {
    expect([
      limitsOf(plan).length,
      limitsOf({ ...plan, provider: 'host' }).length,
      limitsOf({ ...plan, provider: 'host', partialScope: 'two ports' }).at(-1),
    ]).toEqual([5, 4, 'Not every port was meant to be observed: two ports']);
    expect(limitsOf(plan).at(-1)).toContain('Nothing about a host');
  });
});
