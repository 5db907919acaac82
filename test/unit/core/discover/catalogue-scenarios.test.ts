import { describe, expect, it } from 'vitest';
import { twinSteps } from '../../../../src/core/discover/twin/steps.js';
import type { ProbeClassName } from '../../../../src/core/model/scenario.js';
import { learnedAt, stateWith, upLink } from '../../../support/link-state.js';
import { composed } from '../../../support/discover/composed.js';
import { catalogueClasses, disruptiveClasses, probeClasses } from '../../../../src/core/probe/classes.js';

const mac = (at: number): string => `52:54:00:00:00:${at.toString(16).padStart(2, '0')}`;

describe('the steps of a twin', () => {
  const steps = (
    over: Partial<Parameters<typeof twinSteps>[0]> = {},
  ): ReadonlyMap<ProbeClassName, ReturnType<typeof twinSteps>[number][1]> =>
    new Map(
      twinSteps({ bridge: 'br0', guests: ['g1', 'g2', 'g3'], uplink: 'nic', host: 'host', tagged: true, ...over }),
    );
  const always = [
    'unknown-unicast',
    'mac-spoof',
    'ip-spoof',
    'arp-spoof',
    'ra-spoof',
    'dhcp-offer',
    'igmp-query',
    'stp-root',
  ];
  const probe = (name: ProbeClassName, over: Partial<Parameters<typeof twinSteps>[0]> = {}): unknown =>
    steps(over).get(name)?.probe[0];

  it('are all that there is somebody for, what disturbs last', () => {
    expect([...steps().keys()]).toEqual([
      'unknown-unicast',
      'vlan-hop',
      'routed-bounce',
      'mac-spoof',
      'ip-spoof',
      'mac-steal',
      'gateway-steal',
      'mac-flood',
      ...always.slice(3),
    ]);
    expect([...steps({ guests: ['g1', 'g2'], uplink: null, host: null, tagged: false }).keys()]).toEqual(always);
    expect([...steps({ guests: ['g1', 'g2'], host: null, tagged: false }).keys()]).toEqual([
      ...always.slice(0, 3),
      'mac-steal',
      'mac-flood',
      ...always.slice(3),
    ]);
    expect([...steps({ uplink: null, host: null, tagged: false }).keys()]).toEqual([
      ...always.slice(0, 3),
      'mac-steal',
      'mac-flood',
      ...always.slice(3),
    ]);
    expect([...steps({ uplink: null, tagged: false }).keys()]).toContain('gateway-steal');
  });
  it('are one guest’s attack on another, with the uplink to talk to, else a third', () => {
    expect(probe('unknown-unicast')).toEqual({ class: 'unknown-unicast', from: 'g1', count: 50 });
    expect(probe('mac-spoof')).toEqual({ class: 'mac-spoof', from: 'g1', to: 'g2', count: 50 });
    expect([probe('mac-steal'), probe('mac-steal', { uplink: null })]).toMatchObject([
      { to: 'g2', via: 'nic' },
      { to: 'g2', via: 'g3' },
    ]);
    expect([probe('gateway-steal'), probe('gateway-steal', { host: null })]).toMatchObject([
      { to: 'host', via: 'g2' },
      { to: 'nic', via: 'g2' },
    ]);
    expect([probe('igmp-query'), probe('igmp-query', { uplink: null })]).toMatchObject([{ via: 'nic' }, { via: 'g2' }]);
    expect(steps().get('mac-flood')).toMatchObject({
      fdb: { flush: 'br0' },
      learn: 'none',
      probe: [{ from: 'g1', to: 'g2', via: 'nic', count: 2000, rate: 20_000 }],
    });
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
