import { describe, expect, it } from 'vitest';
import type { IsolatedPort } from '../../../../../src/core/model/host-config.js';
import { composed } from '../../../../support/discover/composed.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const macOf = (n: number): string => `52:54:00:00:00:0${n}`;
const libvirt = (n: number): IsolatedPort => ({ by: 'libvirt', device: null, mac: macOf(n) });
const proxmox = (n: number): IsolatedPort => ({ by: 'Proxmox VE', device: `v${n}`, mac: null });

/** Known unicast between five guests on br0: senders and addressees that nobody may be reached by, and the others. */
function known(declared: readonly IsolatedPort[], isIsolated: (n: number) => boolean = () => false) {
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

  it('is no claim where one guest has it', () => {
    expect(known([libvirt(2)]).barred).toEqual([]);
  });

  it('lets frames fail to arrive where it is in force at a few ports', () => {
    expect([known([]).arrives, known([], (n) => n < 3).arrives]).toEqual([true, false]);
  });
});

describe('a rule that drops what goes from a bridge back into it', () => {
  const match = (key: string, right: string) => ({ match: { op: '==', left: { meta: { key } }, right } });
  const drops = (family: string) => ({
    nftables: [
      { chain: { family, table: 'f', name: 'c', hook: 'forward', prio: 0 } },
      {
        rule: {
          ...{ family, table: 'f', chain: 'c', handle: 3 },
          expr: [match('iifname', 'br0'), match('oifname', 'br0'), { drop: null }],
        },
      },
    ],
  });
  const askedOf = (family: string) => {
    const numbers = [1, 2, 3];
    const state = stateWith(
      [
        upLink('br0', { kind: 'bridge', bridge: {} }),
        ...numbers.map((n) => upLink(`v${n}`, { kind: 'tun', master: 'br0', port: { learning: true, flood: true } })),
      ],
      { fdb: numbers.map((n) => learnedAt(macOf(n), `v${n}`, { state: 'dynamic' })), nft: drops(family) },
    );
    const { whole, scenario } = composed({ state });
    return {
      notes: whole.notes.filter((note) => note.startsWith('br0: the firewall')),
      barred: scenario.steps
        .flatMap(({ probes }) => probes)
        .filter(({ class: name, maySee }) => name === 'known-unicast' && maySee?.length === 0)
        .map(({ from, to, carriers }) => ({ from, to, carriers })),
    };
  };
  const all = ['v1', 'v2', 'v3'];

  it.each([
    ['ip', ['ipv4-udp']],
    ['ip6', ['ipv6-udp']],
    ['inet', ['ipv4-udp', 'ipv6-udp']],
  ])('bars guests by the carriers of family %s alone: raw frames pass it', (family, carriers) => {
    expect(askedOf(family)).toEqual({
      notes: ['br0: the firewall drops what goes from br0 to br0, so that no guest is to reach another by IP.'],
      barred: [{ from: all, to: all, carriers }],
    });
  });

  it('bars nobody in the family bridge, whose rules are judged as filters', () => {
    expect(askedOf('bridge')).toEqual({ notes: [], barred: [] });
  });
});
