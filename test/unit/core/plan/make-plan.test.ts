import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../../src/core/model/plan.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { ingressMac } from '../../../../src/core/plan/ingress-controls.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';

const topology = `topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, port: p0, mac: "52:54:00:00:00:01", ip: 10.0.0.1/24 }
    b: { bridge: br0, port: p1, mac: "52:54:00:00:00:02", ip: 10.0.0.2/24 }
    c: { bridge: br0, port: p2, mac: "52:54:00:00:00:03" }
    lan: { bridge: br0, port: p3, mac: "52:54:00:00:00:04", role: uplink }
    late: { bridge: br0, port: p4, mac: "52:54:00:00:00:05", started: false }
`;

function plan(steps: string): Plan {
  const text = `version: 1\nname: t\n${topology}steps:\n${steps}`;
  return makePlan(loadScenario('t.yml', new TextEncoder().encode(text)), { runTag: 7, keySha256: '00' });
}

describe('a plan', () => {
  it('numbers the tokens of a run through: flows, then the controls of their step, without a gap', () => {
    const { steps } =
      plan(`  - { name: one, probe: [ { class: known-unicast, from: a, to: b, both_ways: true, count: 5 } ], expect: private }
  - { name: two, probe: [ { class: unknown-unicast, from: c, count: 3 } ], expect: private }\n`);
    const ranges = steps.flatMap(({ flows, controls }) => [
      ...[...flows].map(({ first, count }) => ({ first, count })),
      ...controls.map(({ index }) => ({ first: index, count: 1 })),
    ]);
    let next = 0;
    for (const { first, count } of ranges) {
      expect(first).toBe(next);
      next += count;
    }
    expect(next).toBeGreaterThan(4 * 5 + 2 * 3);
  });

  it('gives each ear a control of every form that the filter tells apart, before, between and after', () => {
    const [step] = plan(
      '  - { name: one, probe: [ { class: known-unicast, from: a, to: b, count: 5 } ], expect: private }\n',
    ).steps;
    const forC = step?.controls.filter(({ kind, observer }) => kind === 'ear' && observer === 'c') ?? [];
    expect(forC.map(({ phase, frame }) => [phase, frame.carrier, frame.srcMac])).toEqual(
      ['before', 'between', 'after'].flatMap((phase) => [
        [phase, 'raw', '52:54:00:00:00:01'],
        [phase, 'ipv4-udp', '52:54:00:00:00:01'],
        [phase, 'raw', ingressMac],
      ]),
    );
  });

  it('proves that each port hears what its guest sends, by frames that no bridge learns from and every filter lets through', () => {
    const [step] = plan(
      '  - { name: one, probe: [ { class: known-unicast, from: a, to: b, count: 5 } ], expect: private }\n',
    ).steps;
    const entering = step?.controls.filter(({ kind, sender }) => kind === 'ear' && sender !== null) ?? [];
    const ports = step?.observers.filter(({ place }) => place === 'port').map(({ name }) => name) ?? [];
    expect(entering.map(({ phase, observer, sender, frame }) => [phase, observer, sender, frame.srcMac])).toEqual(
      ['before', 'between', 'after'].flatMap((phase) => ports.map((name) => [phase, name, name, ingressMac])),
    );
    // a group address as source: dropped before it is learned
    expect(parseInt(ingressMac.slice(0, 2), 16) & 1).toBe(1);
    expect(step?.filter).toContain(`ether src ${ingressMac}`);
  });

  it('never sends an ear control to a MAC that somebody has, and never out of the bridge device', () => {
    const { steps, endpoints } = plan(
      '  - { name: one, probe: [ { class: known-unicast, from: a, to: b, count: 5 } ], expect: private }\n',
    );
    const ears = steps[0]?.controls.filter(({ kind }) => kind === 'ear') ?? [];
    expect(ears.length).toBeGreaterThan(0);
    for (const { frame, observer } of ears) {
      expect(endpoints.flatMap(({ macs }) => macs)).not.toContain(frame.dstMac);
      expect(observer).not.toBe('br0');
    }
  });

  it('proves entry with a frame from the sender to the bridge', () => {
    const { steps, bridgeMacs } = plan(
      '  - { name: one, probe: [ { class: known-unicast, from: a, to: b, count: 5 } ], expect: private }\n',
    );
    const entries = steps[0]?.controls.filter(({ kind }) => kind === 'entry') ?? [];
    expect(entries.map(({ sender, observer, frame }) => [sender, observer, frame.srcMac, frame.dstMac])).toEqual(
      Array.from({ length: 3 }, () => ['a', 'br0', '52:54:00:00:00:01', bridgeMacs['br0']]),
    );
  });

  it('filters by source MAC and never by direction', () => {
    const [step] = plan(
      '  - { name: one, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }\n',
    ).steps;
    expect(step?.filter).toContain('ether src 52:54:00:00:00:01');
    expect(step?.filter).not.toMatch(/inbound|outbound|ifindex/);
  });

  it('takes everything where it only listens', () => {
    const [step] = plan('  - { name: one, listen: { for: 1s }, expect: private }\n').steps;
    expect(step?.filter).toBe('');
  });

  it('observes who is there in the step, and nobody else', () => {
    const { steps } = plan(`  - { name: one, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }
  - { name: two, start: [ late ], stop: [ c ], probe: [ { class: known-unicast, from: a, to: b } ], expect: private }\n`);
    expect(steps.map(({ observers }) => observers.map(({ name }) => name))).toEqual([
      ['a', 'b', 'c', 'lan', 'br0'],
      ['a', 'b', 'lan', 'late', 'br0'],
    ]);
  });

  it('lets an unknown unicast reach uplink and host only, a broadcast all', () => {
    const { steps } = plan(`  - { name: one, probe: [ { class: unknown-unicast, from: a } ], expect: private }
  - { name: two, probe: [ { class: broadcast, from: a } ], expect: unjudged }\n`);
    expect([...(steps[0]?.flows ?? [])].map(({ may }) => may)).toEqual([['lan'], ['lan']]);
    expect([...(steps[1]?.flows ?? [])][0]?.may).toEqual(expect.arrayContaining(['b', 'c', 'lan']));
  });

  it('is the same for the same input', () => {
    const steps = '  - { name: one, probe: [ { class: unknown-unicast, from: a } ], expect: private }\n';
    expect(JSON.stringify(plan(steps))).toBe(JSON.stringify(plan(steps)));
  });
});
