import { describe, expect, it } from 'vitest';
import type { Declared } from '../../../../../src/core/model/host-config.js';
import { composed } from '../../../../support/discover/composed.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const macOf = (n: number): string => `52:54:00:00:00:0${n}`;
const libvirt = (n: number): Declared => ({
  ...{ by: 'libvirt', readFrom: `virsh dumpxml --inactive g${n}`, device: null, apply: 'restart the guest' },
  ...{ mac: macOf(n), key: 'isolated', value: true },
});
const proxmox = (n: number): Declared => ({ ...libvirt(n), by: 'Proxmox VE', device: `v${n}`, mac: null });

/** Known unicast between five guests on br0: senders and addressees that nobody may be reached by, and the others. */
function known(declared: readonly Declared[], isIsolated: (n: number) => boolean = () => false) {
  const numbers = [1, 2, 3, 4, 5];
  const state = stateWith(
    [
      upLink('br0', { kind: 'bridge', bridge: {} }),
      ...numbers.map((n) =>
        upLink(`v${n}`, { kind: 'tun', master: 'br0', port: { isolated: isIsolated(n), learning: true, flood: true } }),
      ),
    ],
    { fdb: numbers.map((n) => learnedAt(macOf(n), `v${n}`, { state: 'dynamic' })) },
  );
  const { whole, scenario } = composed({ state, declared });
  const probes = scenario.steps.flatMap((step) => step.probes).filter(({ class: name }) => name === 'known-unicast');
  const namesOf = (part: typeof probes): readonly string[] =>
    [...new Set(part.flatMap(({ from, to }) => [...from, ...(to ?? [])]))].sort();
  return {
    notes: whole.notes,
    barred: namesOf(probes.filter(({ maySee }) => maySee?.length === 0)),
    others: namesOf(probes.filter(({ maySee }) => maySee === null)),
    arrives: probes.some(({ mustSee, maySee }) => maySee === null && mustSee === null),
  };
}

describe('isolation that a manager declares', () => {
  it('is asked for among all guests where it declares it for most, whatever the ports are', () => {
    const { barred, others, notes } = known([1, 2, 3].map(libvirt));
    expect([barred, others]).toEqual([['v1', 'v2', 'v3', 'v4', 'v5'], []]);
    expect(notes).toContain('br0: 3 ports of guests are to be isolated, says libvirt.');
  });

  it('is asked for among the few for which it declares it, by port or by MAC', () => {
    const { barred, others, notes } = known([libvirt(2), proxmox(4)]);
    expect([barred, others]).toEqual([
      ['v2', 'v4'],
      ['v1', 'v2', 'v3', 'v4', 'v5'],
    ]);
    expect(notes).toContain('br0: 2 ports of guests are to be isolated, says libvirt and Proxmox VE.');
  });

  it('is no claim where one guest has it, or where it is declared off', () => {
    expect(known([libvirt(2)]).barred).toEqual([]);
    expect(known([1, 2, 3].map((n) => ({ ...libvirt(n), value: false }))).barred).toEqual([]);
  });

  it('lets frames fail to arrive where it is in force at a few ports', () => {
    expect([known([]).arrives, known([], (n) => n < 3).arrives]).toEqual([true, false]);
  });
});
