import { describe, expect, it } from 'vitest';
import type { WholeInput } from '../../../../../src/core/discover/whole/compose.js';
import type { GuestRecord } from '../../../../../src/core/model/host-config.js';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { composed } from '../../../../support/discover/composed.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const bridge = (name: string): LinkState => upLink(name, { kind: 'bridge', mac: '02:00:00:00:00:0f', bridge: {} });
const port = (name: string, master: string | null, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, {
    kind: 'tun',
    mac: 'fe:00:00:00:00:01',
    master,
    port: master === null ? null : { flood: true },
    ...more,
  });
/** Guest n of network k has 10.k.0.n. */
const macOf = (k: number, n: number): string => `52:54:00:00:0${k}:0${n}`;
const nets = { east: 1, west: 2 } as const;
const places = Object.entries(nets).flatMap(([name, k]) => [1, 2].map((n) => ({ name, k, n, tap: `${name}${n}` })));
const state = stateWith([bridge('east'), bridge('west'), ...places.map(({ name, tap }) => port(tap, name))], {
  fdb: places.map(({ name, k, n, tap }) => learnedAt(macOf(k, n), tap, { master: name })),
  sysctl: { 'net.ipv4.ip_forward': '1' },
});
const neighbours = places.map(({ name, k, n }) => ({ device: name, mac: macOf(k, n), address: `10.${k}.0.${n}` }));
const routes = [
  { device: 'nic0', destination: 'default' },
  ...Object.entries(nets).map(([device, k]) => ({ device, destination: `10.${k}.0.0/24` })),
];
const beside = { devices: [], bridges: [], routes, sysctl: {} };

function between(over: Partial<WholeInput> = {}, wishes: Partial<WholeInput['wishes']> = {}) {
  const { whole, scenario } = composed({ state, neighbours, beside, ...over }, wishes);
  return {
    notes: whole.notes.filter((note) => note.startsWith('not tested')),
    probes: scenario.steps.flatMap(({ probes }) =>
      probes.flatMap((probe) =>
        probe.class === 'routed-bounce'
          ? [`${probe.from.join()} > ${probe.to?.join() ?? ''}, open to ${probe.openByDesign?.join() ?? 'none'}`]
          : [],
      ),
    ),
  };
}

describe('what the host routes between networks', () => {
  it('is asked both ways: one guest of each sends to all of the other, and all of these to it', () => {
    expect(between()).toEqual({
      notes: [],
      probes: [
        'east1 > west1,west2, open to west1,west2',
        'west2 > east1, open to east1',
        'west1 > east1,east2, open to east1,east2',
        'east2 > west1, open to west1',
      ],
    });
  });

  it('is a leak between networks of Docker, and open by design from there to another', () => {
    const record = (name: string, k: number, n: number): GuestRecord => ({
      ...{ manager: 'docker', name, port: `${name}${n}`, mac: macOf(k, n), ips: [], zone: null, firewall: null },
      id: `${name}${n}`,
      isApart: true,
    });
    const guests = places.map(({ name, k, n }) => record(name, k, n));
    const all = between({ inventory: { guests, unread: [] } });
    expect(all.probes).toHaveLength(4);
    expect(all.probes.every((text) => text.endsWith('open to none'))).toBe(true);
    const some = between({ inventory: { guests: guests.slice(0, 2), unread: [] } });
    expect(some.probes.filter((text) => text.endsWith('open to none'))).toEqual([]);
  });

  describe('is a leak between networks of libvirt', () => {
    const filter = { family: 'ip', table: 'filter' };
    const from = (n: number) => ({
      match: {
        ...{ op: '==', left: { payload: { protocol: 'ip', field: 'saddr' } } },
        right: { prefix: { addr: `10.${n}.0.0`, len: 24 } },
      },
    });
    const to = (oifname: string) => ({ match: { op: '==', left: { meta: { key: 'oifname' } }, right: oifname } });
    const reject = { xt: { type: 'target', name: 'REJECT' } };
    const rule = (chain: string, ...expr: readonly object[]) => ({ rule: { ...filter, chain, handle: 1, expr } });
    const translated = [1, 2].map((n) => ({
      rule: { family: 'ip', table: 'nat', chain: 'LIBVIRT_PRT', handle: 1, expr: [from(n), { masquerade: null }] },
    }));
    const opened = (...rules: readonly object[]) =>
      between({
        state: {
          ...state,
          nft: {
            nftables: [
              { chain: { ...filter, name: 'FORWARD', type: 'filter', hook: 'forward', prio: 0 } },
              { chain: { ...filter, name: 'LIBVIRT_FWI' } },
              rule('FORWARD', { jump: { target: 'LIBVIRT_FWI' } }),
              ...rules,
            ],
          },
        },
      }).probes.filter((text) => !text.endsWith('open to none'));

    it('that it translates, into which its chain rejects nothing', () => {
      expect(opened(...translated)).toEqual([]);
      expect(opened(...translated, rule('LIBVIRT_FWI', to('west'), reject)).map((text) => text.split(',')[0])).toEqual([
        'east1 > west1',
        'east2 > west1',
      ]);
    });

    it('and not while one of them is open or routed, or a rule before its own joins them', () => {
      expect(opened(...translated.slice(0, 1))).toHaveLength(4);
      const rejecting = ['east', 'west'].map((name) => rule('LIBVIRT_FWI', to(name), reject));
      expect(opened(...translated, rule('FORWARD', { accept: null }), ...rejecting)).toHaveLength(4);
    });
  });

  it('is not asked of a guest without an address, of one that the host routes elsewhere, nor towards an uplink', () => {
    const astray = neighbours.map((known) =>
      known.address === '10.2.0.2' ? { ...known, address: '10.3.0.2' } : known,
    );
    const { probes, notes } = between({ neighbours: astray.slice(1) });
    expect(probes).toEqual([
      'east2 > west1, open to west1',
      'west2 > east2, open to east2',
      'west1 > east2, open to east2',
    ]);
    expect(notes).toEqual([
      'not tested: traffic from other networks to east1 by way of the host: no address of it is known',
      'not tested: traffic from other networks to west2 by way of the host: the host routes 10.3.0.2/24 to nic0',
    ]);
    const out = { ...state, links: [...state.links, port('nic1', 'west', { kind: null })] };
    expect(between({ state: out })).toEqual({
      probes: ['west2 > east1, open to east1', 'west1 > east1,east2, open to east1,east2'],
      notes: [
        'not tested: traffic from other networks to west1 and 1 other guest by way of the host: an answer may leave by nic1',
      ],
    });
  });

  it('is asked of guests that it routes to as of a network, and of none where there is one network', () => {
    const taps = [1, 2].map((n) => port(`tap${n}`, null));
    const more = {
      state: { ...state, links: [...state.links, ...taps] },
      neighbours: [
        ...neighbours,
        ...[1, 2].map((n) => ({ device: `tap${n}`, mac: macOf(9, n), address: `10.9.0.${n}` })),
      ],
      beside: {
        ...beside,
        routes: [...routes, ...[1, 2].map((n) => ({ device: `tap${n}`, destination: `10.9.0.${n}` }))],
      },
    };
    expect(between(more).probes).toContain('tap1 > east1,east2,west1,west2, open to east1,east2,west1,west2');
    expect(between(more).probes).toContain('east1 > west1,west2,tap1,tap2, open to west1,west2,tap1,tap2');
    expect(between({}, { bridge: 'east' })).toEqual({ probes: [], notes: [] });
  });

  it('is not asked where other classes are named', () => {
    expect(between({}, { classes: ['broadcast'] }).probes).toEqual([]);
    expect(between({}, { classes: ['routed-bounce'] }).probes).toHaveLength(4);
  });
});
