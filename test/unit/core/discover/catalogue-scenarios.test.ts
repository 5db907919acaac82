import { describe, expect, it } from 'vitest';
import type { ProbeClassName } from '../../../../src/core/model/scenario.js';
import { learnedAt, stateWith, upLink } from '../../../support/link-state.js';
import { composed } from '../../../support/discover/composed.js';
import { catalogueClasses, disruptiveClasses, probeClasses } from '../../../../src/core/probe/classes.js';

const mac = (at: number): string => `52:54:00:00:00:${at.toString(16).padStart(2, '0')}`;

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
