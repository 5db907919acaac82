import { describe, expect, it } from 'vitest';
import type { GuestRecord } from '../../../../../src/core/model/host-config.js';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { composed } from '../../../../support/discover/composed.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const numbers = [1, 2, 3, 4];
const nameOf = (n: number): string => (n === 4 ? 'qdhcp-0a1b' : `vm${n}`);
const guests = numbers.map(
  (n): GuestRecord => ({
    ...{ manager: 'namespace', name: nameOf(n), port: `v${n}`, mac: null, ips: [], zone: null, firewall: null },
  }),
);
const port = (n: number, isolated: boolean): LinkState =>
  upLink(`v${n}`, { kind: 'veth', master: 'br0', port: { isolated, learning: true, flood: true } });

function probesOn(isIsolated: (n: number) => boolean) {
  const state = stateWith(
    [upLink('br0', { kind: 'bridge', bridge: {} }), ...numbers.map((n) => port(n, isIsolated(n)))],
    { fdb: numbers.map((n) => learnedAt(`52:54:00:00:00:0${n}`, `v${n}`, { state: 'dynamic' })) },
  );
  const { whole, scenario } = composed({ state, inventory: { guests, unread: [] } });
  return { notes: whole.notes, probes: scenario.steps.flatMap(({ probes }) => probes) };
}

describe('a port that serves others (DHCP of Neutron)', () => {
  it('is not compared, and its broadcasts are for everybody', () => {
    const { probes } = probesOn(() => false);
    const broadcasts = probes.filter(({ class: name }) => name === 'broadcast');
    expect(broadcasts.map(({ from, maySee, openByDesign }) => [from, maySee, openByDesign])).toEqual([
      [['vm1', 'vm2', 'vm3'], ['qdhcp-0a1b'], ['vm1', 'vm2', 'vm3']],
      [['qdhcp-0a1b'], ['qdhcp-0a1b'], ['vm1', 'vm2', 'vm3']],
    ]);
    const forgers = probes.filter(({ class: name }) => name === 'mac-spoof').flatMap(({ from }) => from);
    expect(forgers).toEqual(['vm1', 'vm2', 'vm3']);
  });

  it('is reached by guests that are isolated, which is no breach, and counts for no claim', () => {
    const { notes, probes } = probesOn((n) => n < 3);
    expect(notes).toContain('br0: 2 of 3 ports of guests are isolated, so that no guest is to reach another.');
    const known = probes.filter(({ class: name }) => name === 'known-unicast');
    const barred = known.filter(({ maySee }) => maySee?.length === 0);
    expect(new Set(barred.flatMap(({ from, to }) => [...from, ...(to ?? [])]))).toEqual(new Set(['vm1', 'vm2', 'vm3']));
    const served = known.filter(({ maySee }) => maySee === null);
    expect(served.map(({ from, to }) => [from, to])).toEqual([
      [['vm1', 'vm2', 'vm3'], ['qdhcp-0a1b']],
      [['qdhcp-0a1b'], ['vm1', 'vm2', 'vm3']],
    ]);
  });
});
