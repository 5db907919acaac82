import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { loadScenario, parseScenario } from '../../../../src/core/scenario/load-scenario.js';
import { unsupportedKeys } from '../../../../src/core/scenario/unsupported.js';

const text = (
  topology: string,
  step = '  - { name: s, probe: { class: known-unicast, from: a, to: b }, expect: private }',
): Uint8Array => new TextEncoder().encode(`version: 1\nname: t\ntopology:\n${topology}steps:\n${step}\n`);

const lab = `  provider: lab
  hosts: { hv1: , hv2: }
  bridges: { br0: , br1: { host: hv1 } }
  endpoints:
    a: { bridge: br0, host: hv1, port: p0 }
    b: { bridge: br0, host: hv2, port: p0 }
    c: { bridge: br1, port: p1 }
    ta: { bridge: br0, host: hv1, port: vx, tunnel: { vni: 7, to: hv2 } }
    tb: { bridge: br0, host: hv2, port: vx, tunnel: { vni: 7, to: [hv1] } }
`;

describe('a topology with hosts', () => {
  it('puts a bridge on every host on which it has endpoints, under names that no interface can have', () => {
    const { topology } = loadScenario('t.yml', text(lab));
    expect(topology.bridges.map(({ name }) => name)).toEqual(['hv1/br0', 'hv2/br0', 'hv1/br1']);
    expect(topology.endpoints.map(({ name, bridge, port, role }) => [name, bridge, port, role])).toEqual([
      ['a', 'hv1/br0', 'hv1/p0', 'guest'],
      ['b', 'hv2/br0', 'hv2/p0', 'guest'],
      ['c', 'hv1/br1', 'hv1/p1', 'guest'],
      ['ta', 'hv1/br0', 'hv1/vx', 'uplink'],
      ['tb', 'hv2/br0', 'hv2/vx', 'uplink'],
    ]);
    expect(topology.endpoints[4]?.tunnel).toEqual({ vni: 7, to: ['hv1'] });
  });

  it('takes bridges of one name for one network: * means all on it, and a broadcast may reach them', () => {
    const scenario = loadScenario(
      't.yml',
      text(
        lab,
        '  - { name: s, probe: [ { class: known-unicast, from: a, to: "*" }, { class: broadcast, from: a } ], expect: { may_see: [b] } }',
      ),
    );
    const plan = makePlan(scenario, { runTag: 1, keySha256: '' });
    expect([...(plan.steps[0]?.flows ?? [])].map(({ from, to }) => [from, to])).toContainEqual(['a', 'b']);
    expect([...(plan.steps[0]?.flows ?? [])].map(({ to }) => to)).not.toContain('c');
    const whole = makePlan(
      loadScenario('t.yml', text(lab, '  - { name: s, probe: { class: broadcast, from: a, may_see: [b] } }')),
      { runTag: 1, keySha256: '' },
    );
    expect(whole.steps[0]?.learn).toEqual(['a', 'b', 'c']); // a tunnel says nothing of its own
  });

  it('observes tunnels, and judges them only where they are named', () => {
    const judged = (observers: string): readonly string[] =>
      makePlan(
        loadScenario(
          't.yml',
          text(
            lab,
            `  - { name: s, probe: { class: known-unicast, from: a, to: b }, expect: { may_see: [b]${observers} } }`,
          ),
        ),
        { runTag: 1, keySha256: '' },
      )
        .steps[0]?.observers.filter((observer) => observer.judged)
        .map(({ name }) => name) ?? [];
    expect(judged('')).toEqual(['a', 'b', 'c']);
    expect(judged(', observers: [c, ta]')).toEqual(['c', 'ta']);
  });

  it('sends no ear control out of a tunnel with the MAC of somebody who is elsewhere', () => {
    const plan = makePlan(loadScenario('t.yml', text(lab)), { runTag: 1, keySha256: '' });
    const macs = new Map(plan.endpoints.map(({ name, macs: [mac = ''] }) => [name, mac]));
    const sources = new Set(
      plan.steps[0]?.controls
        .filter(({ kind, observer }) => kind === 'ear' && observer === 'ta')
        .map(({ frame }) => frame.srcMac),
    );
    expect(sources.has(macs.get('b') ?? '')).toBe(false);
    expect(sources.size).toBeGreaterThan(0);
  });

  const host = (hosts: string, endpoint = 'host: hv2, '): string =>
    `  provider: host\n  hosts: ${hosts}\n  bridges: { br0: }\n  endpoints:\n    a: { bridge: br0, port: p0 }\n    b: { bridge: br0, ${endpoint}port: p0 }\n`;
  const faults: Readonly<Record<string, readonly [topology: string, place: string, says: string]>> = {
    'a host that nobody names': [
      lab.replace('host: hv2, port: p0', 'host: hv3, port: p0'),
      '9:29',
      'there is no host "hv3"',
    ],
    'a bridge on a host that nobody names': [
      lab.replace('br1: { host: hv1 }', 'br1: { host: hv9 }'),
      '6:34',
      'there is no host "hv9"',
    ],
    'an endpoint of the lab on no host': [
      lab.replace('br1: { host: hv1 }', 'br1: '),
      '10:8',
      'in the lab everything is on one of the hosts',
    ],
    'a tunnel to nowhere': [lab.replace('to: hv2', 'to: hv4'), '11:67', 'there is no host "hv4"'],
    'a tunnel without its number': [lab.replace('vni: 7, to: hv2', 'to: hv2'), '11:53', 'VXLAN network identifier'],
    'a number of more than 24 bits': [lab.replace('vni: 7, to: hv2', 'vni: 16777216, to: hv2'), '11:60', '16777215'],
    'ssh in the lab': [lab.replace('hv1: ,', 'hv1: { ssh: root@hv1 },'), '5:12', 'a host of the lab is a namespace'],
    'a host without a way to it': [host('{ hv2: {} }'), '5:17', 'expected where ssh(1) finds it'],
    'a target that ssh would take for an option': [
      host('{ hv2: { ssh: "-oProxyCommand=id" } }'),
      '5:24',
      'expected a host',
    ],
    'hosts that are not there at all': [
      host('{}').replace('  hosts: {}\n', ''),
      '8:29',
      'expected "hosts" in the topology',
    ],
    'an unknown key of a host': [host('{ hv2: { ssh: root@hv2, port: 22 } }'), '5:34', 'port'],
  };
  it.each(Object.entries(faults))('is refused with its place: %s', (_name, [topology, place, says]) => {
    const { faults: found } = parseScenario('t.yml', text(topology));
    expect(found.map(({ line, col, message }) => `${line}:${col} ${message}`).join('\n')).toContain(says);
    expect(found.map(({ line, col }) => `${line}:${col}`)).toEqual([place]);
  });

  it('is refused where a tunnel is to send', () => {
    const { faults: found } = parseScenario(
      't.yml',
      text(lab, '  - { name: s, probe: { class: known-unicast, from: ta, to: b }, expect: private }'),
    );
    expect(found.map(({ message }) => message).join()).toContain('"ta" is a tunnel, which sends nothing of its own');
  });

  it('names what it cannot do across hosts', () => {
    const step = (extra: string): Uint8Array =>
      text(lab, `  - { name: s, ${extra}, probe: { class: known-unicast, from: a, to: b }, expect: private }`);
    expect(unsupportedKeys(loadScenario('t.yml', step('run: [ "ip link" ]')))).toEqual([
      'steps[0].run where the topology has "hosts"',
    ]);
    expect(unsupportedKeys(loadScenario('t.yml', step('vlan: { add: [ { port: p0, vid: 5 } ] }')))).toEqual([
      'steps[0].vlan where the topology has "hosts"',
    ]);
    expect(unsupportedKeys(loadScenario('t.yml', step('set: { "hv1/p0": { flood: off } }')))).toEqual([
      'steps[0].set where the topology has "hosts"',
    ]);
  });
});
