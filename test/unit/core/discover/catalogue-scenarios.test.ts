import { describe, expect, it } from 'vitest';
import type { FoundScenario } from '../../../../src/core/discover/found-scenario.js';
import { hasUplink, leftOut, provingScenario } from '../../../../src/core/discover/proving-scenario.js';
import type { ProbeClassName } from '../../../../src/core/model/scenario.js';
import { learnedAt, stateWith, upLink } from '../../../support/link-state.js';
import { composed } from '../../../support/discover/composed.js';
import { catalogueClasses, disruptiveClasses, probeClasses } from '../../../../src/core/probe/classes.js';

type WrittenEndpoint = FoundScenario['topology']['endpoints'][string];
interface WrittenStep {
  readonly name?: string;
  readonly probe?: unknown;
  readonly expect?: string;
  readonly fdb?: unknown;
  readonly learn?: unknown;
}
interface WrittenProbe {
  readonly class: string;
  readonly from: unknown;
  readonly to?: unknown;
  readonly count?: number;
}
const mac = (at: number): string => `52:54:00:00:00:${at.toString(16).padStart(2, '0')}`;
const guest = (at: number, over: Partial<WrittenEndpoint> = {}): WrittenEndpoint => ({
  bridge: 'br0',
  port: `p${at}`,
  mac: mac(at),
  ip: `10.0.0.${at}/24`,
  ...over,
});
/** What is not on record. */
const without = (key: 'ip' | 'mac', { [key]: _, ...known }: WrittenEndpoint): WrittenEndpoint => known;
const nic: WrittenEndpoint = { bridge: 'br0', port: 'enp1s0', role: 'uplink', mac: '00:11:22:33:44:55' };
const asked: WrittenStep = { name: 'no guest overhears known unicast' };
const scenario = (endpoints: Readonly<Record<string, WrittenEndpoint>>): FoundScenario => ({
  version: 1,
  name: 'host-br0',
  topology: { provider: 'host', bridges: { br0: {} }, endpoints },
  steps: [asked],
  policy: [],
});
const three = { g1: guest(1), g2: guest(2), g3: guest(3) };
const probesOf = (step: WrittenStep | undefined): readonly WrittenProbe[] => {
  const probe = step?.probe;
  return Array.isArray(probe) ? probe : [];
};

describe('what an audit proves', () => {
  const proved = (endpoints: Readonly<Record<string, WrittenEndpoint>>, disruptive = false): readonly WrittenStep[] =>
    provingScenario(scenario(endpoints), disruptive).steps;
  const byClass = (
    endpoints: Readonly<Record<string, WrittenEndpoint>>,
    disruptive = false,
  ): ReadonlyMap<string, WrittenProbe> =>
    new Map(
      proved(endpoints, disruptive)
        .flatMap(probesOf)
        .map((probe) => [probe.class, probe]),
    );

  it('is asked in one step for all that disturb nothing, and nothing is claimed', () => {
    const [first, ...others] = proved({ ...three, nic });
    expect([first?.name, first?.expect, others]).toEqual(['probes that disturb nothing', 'unjudged', []]);
    expect(probesOf(first).map((probe) => probe.class)).toEqual([
      'known-unicast',
      'unknown-unicast',
      'broadcast',
      'arp-request',
      'link-local-multicast',
      'multicast',
      'vlan-hop',
      'routed-bounce',
      'ip-spoof',
    ]);
    expect(probesOf(first).every(({ count }) => count === 10)).toBe(true);
  });
  it('is asked in a step of its own for each class that disturbs, where that is allowed', () => {
    const steps = proved(three, true);
    expect(provingScenario(scenario(three), true)).toMatchObject({ name: 'audit-br0', allow_disruptive: true });
    expect(provingScenario(scenario(three), false)).not.toHaveProperty('allow_disruptive');
    expect(provingScenario(scenario(three), false)).not.toHaveProperty('policy');
    const classes = steps.slice(1).map(({ name }) => name);
    expect(classes).toEqual(
      ['mac-steal', 'mac-flood', 'arp-spoof', 'ra-spoof', 'dhcp-offer', 'igmp-query', 'stp-root'].filter((name) =>
        disruptiveClasses.some((disruptive) => disruptive === name),
      ),
    );
    expect(
      steps
        .slice(1)
        .every(
          (step) => probesOf(step).length === 1 && step.expect === 'unjudged' && probesOf(step)[0]?.class === step.name,
        ),
    ).toBe(true);
    expect(steps.flatMap(probesOf).find((probe) => probe.class === 'stp-root')).not.toHaveProperty('count');
  });
  it('goes from and to those that a class needs', () => {
    const probes = byClass({ ...three, bare: without('ip', guest(4)), silent: without('mac', guest(5)), nic }, true);
    const ends = (name: string): unknown => [probes.get(name)?.from, probes.get(name)?.to];
    expect(ends('known-unicast')).toEqual([
      ['g1', 'g2', 'g3', 'bare', 'nic'],
      ['g1', 'g2', 'g3', 'bare', 'nic'],
    ]);
    expect(ends('broadcast')).toEqual([['g1', 'g2', 'g3', 'bare'], undefined]);
    expect(ends('ip-spoof')).toEqual([
      ['g1', 'g2', 'g3'],
      ['g1', 'g2', 'g3'],
    ]);
    expect(ends('mac-steal')).toEqual([['g1'], ['g2']]);
    expect(ends('arp-spoof')).toEqual([['g1'], ['g2']]);
    expect(ends('stp-root')).toEqual([['g1'], undefined]);
    expect([...(byClass(three).get('mac-spoof')?.from === undefined ? [] : ['sent'])]).toEqual(['sent']);
  });
  it('leaves out what needs two where there is one', () => {
    const alone = byClass({ g1: guest(1) }, true);
    expect([...alone.keys()].filter((name) => alone.get(name)?.to !== undefined)).toEqual([]);
    expect(alone.has('broadcast')).toBe(true);
    expect([...byClass({ g1: guest(1), nic }).keys()]).toContain('known-unicast');
    expect([...byClass({ nic }).keys()]).toEqual([]);
    expect(
      [...byClass({ g1: guest(1), g2: without('ip', guest(2)) }, true).keys()].filter((name) =>
        ['arp-request', 'ip-spoof', 'arp-spoof'].includes(name),
      ),
    ).toEqual([]);
  });
  it('lets eight guests speak at most, and one uplink', () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`g${at}`, guest(at)]));
    expect(byClass({ ...many, nic, nic2: { ...nic, port: 'enp2s0' } }).get('known-unicast')?.from).toEqual([
      ...Array.from({ length: 8 }, (_, at) => `g${at}`),
      'nic',
    ]);
  });
  it('says why a class is not among them', () => {
    expect([
      leftOut('broadcast', false, true),
      leftOut('mac-steal', true, true),
      leftOut('mac-steal', false, false),
      leftOut('aged-unicast', true, false),
      leftOut('gateway-steal', true, false),
    ]).toEqual([
      null,
      null,
      expect.stringContaining('--allow-disruptive'),
      expect.stringContaining('the ageing time of silence'),
      'write a scenario',
    ]);
    expect([hasUplink(scenario(three)), hasUplink(scenario({ ...three, nic }))]).toEqual([false, true]);
  });
});

describe('the classes of --class all', () => {
  const left = (disruptive: boolean, newMacs: boolean, hasUplink: boolean): readonly ProbeClassName[] => {
    const chosen = catalogueClasses({ disruptive, newMacs }, hasUplink);
    return probeClasses.filter((name) => !chosen.includes(name));
  };

  it('are all but the one that takes the ageing time, where frames stay on the machine and may disturb', () => {
    expect(left(true, true, false)).toEqual(['aged-unicast']);
    expect(left(true, false, false)).toEqual(['aged-unicast']);
  });
  it('send no BPDU beyond an uplink, and no new MAC unless that is allowed', () => {
    expect(left(true, true, true)).toEqual(['aged-unicast', 'stp-root']);
    expect(left(true, false, true)).toEqual(['aged-unicast', 'mac-spoof', 'mac-flood', 'stp-root']);
  });
  it('disturb nobody unless that is allowed', () => {
    expect(left(false, true, false)).toEqual(['aged-unicast', ...disruptiveClasses]);
    expect(left(false, false, true)).toEqual(['aged-unicast', 'mac-spoof', ...disruptiveClasses]);
  });
  it('load as the scenario of a host: those that disturb have a step of their own', () => {
    const ports = ['v1', 'v2', 'v3'];
    const state = stateWith(
      [
        upLink('br0', { kind: 'bridge', bridge: {} }),
        ...ports.map((name) => upLink(name, { kind: 'veth', master: 'br0', port: { learning: true, flood: true } })),
      ],
      { fdb: ports.map((name, at) => learnedAt(mac(at + 1), name, { state: 'dynamic' })) },
    );
    const stepsOf = (disruptive: boolean) =>
      composed({ state }, { catalogue: { disruptive, newMacs: false } }).scenario.steps.map(({ name, probes }) => [
        name.replace(/:.*/, ''),
        probes.map((probe) => probe.class),
      ]);
    const quiet = [
      [
        'round 1',
        [
          'known-unicast',
          'unknown-unicast',
          'arp-request',
          'broadcast',
          'multicast',
          'mac-spoof',
          'ip-spoof',
          'link-local-multicast',
        ],
      ],
      ['further rounds', ['known-unicast']],
    ];
    expect(stepsOf(false)).toEqual(quiet);
    expect(stepsOf(true)).toEqual([
      ...quiet,
      // gateway-steal is for an uplink
      ...disruptiveClasses.filter((name) => name !== 'gateway-steal').map((name) => [name, [name]]),
    ]);
  });
});
