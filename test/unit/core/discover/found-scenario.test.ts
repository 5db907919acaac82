import { describe, expect, it } from 'vitest';
import {
  type BridgeInput,
  type FileEndpoint,
  forFile,
  foundEndpoints,
  otherMacsNote,
} from '../../../../src/core/discover/found-endpoints.js';
import { chooseBridge, leftOutNotes, originsOf, unreadNotes } from '../../../../src/core/discover/found-scenario.js';
import { withOwners } from '../../../../src/core/discover/guests.js';
import type { GuestRecord } from '../../../../src/core/model/host-config.js';
import type { HostState, LinkState } from '../../../../src/core/model/state.js';
import { learnedAt, setLink, stateWith, upLink } from '../../../support/link-state.js';

const link = (name: string, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, {
    mac: '02:00:00:00:00:ff',
    master: 'vmbr0',
    promiscuity: 1,
    kind: 'veth',
    port: { isolated: false },
    ...more,
  });
const bridge = (name: string, settings: Record<string, number> = {}): LinkState =>
  link(name, { master: null, kind: 'bridge', bridge: settings });
const fdb = (mac: string, port: string) => learnedAt(mac, port, { master: 'vmbr0', state: 'dynamic' });
const filters = setLink('vmbr0', { bridge: { vlan_filtering: 1 } });
const guest = (name: string, port: string, zone: string | null, more: Partial<GuestRecord> = {}): GuestRecord => ({
  manager: 'proxmox',
  name,
  port,
  mac: null,
  ips: [],
  zone: zone === null ? null : { name: zone, from: 'tag' },
  ...more,
});
const macs = ['bc:24:11:00:00:01', 'bc:24:11:00:00:02', 'bc:24:11:00:00:03'];
const ports = ['fwpr100p0', 'tap101i0', 'tap102i0'];
const state = (more: Partial<HostState> = {}, links: readonly LinkState[] = []): HostState =>
  stateWith([bridge('vmbr0'), ...ports.map((name) => link(name)), link('enp1s0', { kind: null }), ...links], {
    fdb: [...macs.map((mac, at) => fdb(mac, ports[at] ?? '')), fdb('00:11:22:33:44:55', 'enp1s0')],
    ...more,
  });
interface Parts {
  readonly endpoints: Readonly<Record<string, FileEndpoint>>;
  readonly notes: readonly string[];
  readonly origins: Readonly<Record<string, string>>;
}
const partsOf = (over: Partial<BridgeInput> = {}): Parts => {
  const input = { state: state(), neighbours: [], inventory: { guests: [], unread: [] }, bridge: 'vmbr0', ...over };
  const { members, ports: heard, entries } = foundEndpoints(input, new Set(['vmbr0']));
  return {
    endpoints: withOwners(entries.map((entry) => forFile(entry))),
    notes: [
      ...leftOutNotes({ bridge: 'vmbr0', members, ports: heard }, input.state),
      ...entries.flatMap(otherMacsNote),
      ...unreadNotes(input.inventory),
    ],
    origins: originsOf(entries),
  };
};
const found = (guests: readonly GuestRecord[], of: HostState = state()): Parts =>
  partsOf({ state: of, inventory: { guests, unread: [] } });

describe('a scenario of what runs', () => {
  it('takes a hop for no bridge to be asked about, and the guest behind it for one of the bridge', () => {
    const hop = [
      bridge('between'),
      link('inner', { master: 'between', lower: 'fwpr100p0' }),
      link('tap100i0', { master: 'between', kind: 'tun' }),
    ];
    const behind = setLink('fwpr100p0', { lower: 'inner' })(state({}, hop));
    expect(chooseBridge(behind, null)).toBe('vmbr0');
    const { endpoints } = found([guest('web', 'tap100i0', 'prod')], behind);
    expect(endpoints['web']).toMatchObject({
      ...{ bridge: 'vmbr0', port: 'tap100i0', zone: 'prod', mac: macs[0] },
    });
  });

  it('never makes one zone of two whose names differ in characters that a scenario does not take', () => {
    const { endpoints } = found([guest('a', ports[0] ?? '', 'A/B'), guest('b', ports[1] ?? '', 'A B')]);
    expect([endpoints['a']?.zone, endpoints['b']?.zone]).toEqual(['A-B', 'A-B.2']);
  });

  it('never makes one endpoint of two guests of one name', () => {
    expect(
      Object.keys(found([guest('same', ports[0] ?? '', null), guest('same', ports[1] ?? '', null)]).endpoints),
    ).toEqual(['same', 'same.2', 'tap102i0', 'enp1s0']);
  });

  it('has the VLANs that the bridge filters', () => {
    const vlan = ports.map((ifname, at) => ({
      ifname,
      vlans: [{ vlan: 10 * (at + 1), flags: ['PVID', 'Egress Untagged'] }],
    }));
    expect(found([], filters(state({ vlan }))).endpoints['tap101i0']).toMatchObject({
      zone: 'vlan20',
      vlans: [{ vid: 20, pvid: true, untagged: true }],
    });
  });

  it('says which ports it left out', () => {
    const { notes } = found(
      [],
      state(
        { fdb: [...macs.slice(1).map((mac, at) => fdb(mac, ports[at + 1] ?? '')), fdb('00:11:22:33:44:55', 'enp1s0')] },
        [link('tap9i0', { flags: ['UP'] })],
      ),
    );
    expect(notes).toEqual(['left out: tap9i0: no carrier: nothing runs behind it']);
  });

  it('has up to four MACs of a guest, and says which are not asked', () => {
    const others = ['96', '97', '98', '99'].map((end) => `bc:24:11:00:00:${end}`);
    const withOthers = (count: number): Parts =>
      found([], state({ fdb: [...state().fdb, ...others.slice(0, count).map((mac) => fdb(mac, 'tap101i0'))] }));
    const macOf = (count: number): unknown =>
      Object.values(withOthers(count).endpoints).find(({ port }) => port === 'tap101i0')?.mac;
    expect(macOf(0)).toBe('bc:24:11:00:00:02');
    expect(macOf(3)).toEqual(['bc:24:11:00:00:02', ...others.slice(0, 3)]);
    expect(macOf(4)).toEqual(macOf(3));
    expect(withOthers(3).notes.join()).not.toContain('MACs');
    expect(withOthers(4).notes).toContain(
      'tap101i0: its port has 5 MACs, and 4 of them are asked, not bc:24:11:00:00:99: add them in a file (verify-isolation init)',
    );
  });

  it('has the MACs that managers tell where no guest has spoken', () => {
    const reported = ports.map((port, at) => guest(`g${at}`, port, null, { manager: 'docker', mac: macs[at] ?? null }));
    const { endpoints, origins } = found(reported, state({ fdb: [] }));
    expect(endpoints['g0']).toMatchObject({ port: ports[0], mac: macs[0] });
    expect(origins).toEqual({ g0: 'named by docker', g1: 'named by docker', g2: 'named by docker' });
  });
});

describe('an endpoint that was found', () => {
  const endpoints = (over: Partial<BridgeInput>) => partsOf(over).endpoints;
  const inventory = (...guests: readonly GuestRecord[]): BridgeInput['inventory'] => ({ guests, unread: [] });
  const [mac0 = '', mac1 = ''] = macs;
  const [port0 = ''] = ports;

  it('is a port with the MAC that is learned there, and an uplink where the link leads out', () => {
    expect(endpoints({})).toEqual({
      fwpr100p0: { bridge: 'vmbr0', port: 'fwpr100p0', mac: macs[0] },
      tap101i0: { bridge: 'vmbr0', port: 'tap101i0', mac: macs[1] },
      tap102i0: { bridge: 'vmbr0', port: 'tap102i0', mac: macs[2] },
      enp1s0: { bridge: 'vmbr0', port: 'enp1s0', role: 'uplink', mac: '00:11:22:33:44:55' },
    });
  });
  it('has the MAC of its record where the bridge knows it there or nothing, else of a neighbour, else the first that was learned', () => {
    const learned = state({
      fdb: [
        fdb(mac1, port0),
        fdb(mac0, port0),
        fdb('02:00:00:00:00:01', 'tap101i0'),
        fdb('02:00:00:00:00:02', 'tap102i0'),
      ],
    });
    const mac = (over: Partial<BridgeInput>): string | undefined =>
      [Object.values(endpoints({ state: learned, ...over }))[0]?.mac ?? []].flat()[0];
    expect([
      mac({}),
      mac({ inventory: inventory(guest('web', port0, null, { mac: mac0 })) }),
      mac({ inventory: inventory(guest('web', port0, null, { mac: '02:00:00:00:00:99' })) }),
      mac({ neighbours: [{ mac: mac0, address: 'fe80::1' }] }),
    ]).toEqual([mac1, mac0, mac1, mac0]);
    const unknown = state({ fdb: state().fdb.slice(1) });
    expect(
      endpoints({ state: unknown, inventory: inventory(guest('web', port0, null, { mac: mac0 })) })['web']?.mac,
    ).toBe(mac0);
    expect(endpoints({ state: unknown })['fwpr100p0']).not.toHaveProperty('mac');
  });
  it('has an address of each family of a neighbour with its MAC, else of the record if the MAC is the record’s', () => {
    const ip = (over: Partial<BridgeInput>): string | readonly string[] | undefined =>
      Object.values(endpoints(over))[0]?.ip;
    const web = (over: Partial<GuestRecord>): BridgeInput['inventory'] =>
      inventory(guest('web', port0, null, { mac: mac0, ips: ['fd00::1', '10.0.0.7', '10.0.0.8'], ...over }));
    expect([
      ip({}),
      ip({
        neighbours: [
          { mac: mac0, address: 'fe80::1' },
          { mac: mac0, address: '10.0.0.1' },
          { mac: mac0, address: '10.0.0.2' },
        ],
      }),
      ip({ neighbours: [{ mac: mac0, address: '2001:db8:0::2' }] }),
      ip({ neighbours: [{ mac: mac1, address: '10.0.0.1' }] }),
    ]).toEqual([undefined, '10.0.0.1/24', '2001:db8::2/64', undefined]);
    expect([
      ip({ inventory: web({}) }),
      ip({ inventory: web({ mac: '02:00:00:00:00:99' }) }),
      ip({ inventory: web({ ips: ['fd00::1', 'x10.0.0.1', '10.0.0.1x', '10.0.0', '1000.0.0.1'] }) }),
      ip({ inventory: web({}), neighbours: [{ mac: mac0, address: '10.0.0.1' }] }),
    ]).toEqual([['10.0.0.7/24', 'fd00::1/64'], undefined, 'fd00::1/64', ['10.0.0.1/24', 'fd00::1/64']]);
  });
  it('has a zone by its record, else by the VLAN in which it speaks, unless it is an uplink', () => {
    const vlans = [{ vlan: 20 }, { vlan: 10, flags: ['PVID'] }];
    const filtering = filters(state({ vlan: [port0, 'enp1s0'].map((ifname) => ({ ifname, vlans })) }));
    const zones = (over: Partial<BridgeInput>): unknown =>
      Object.values(endpoints({ state: filtering, ...over })).map(({ zone }) => zone ?? null);
    expect(zones({})).toEqual(['vlan10', null, null, null]);
    expect(zones({ inventory: inventory(guest('web', port0, 'prod'), guest('nic', 'enp1s0', 'out')) })).toEqual([
      'prod',
      null,
      null,
      null,
    ]);
    expect(endpoints({ state: filtering })['enp1s0']).toMatchObject({
      role: 'uplink',
      vlans: [{ vid: 20 }, { vid: 10, pvid: true }],
    });
  });
  it('is named after its guest, by whom, and with whose zone', () => {
    const { origins } = partsOf({
      inventory: inventory(
        guest('web', port0, 'prod', { zone: { name: 'prod', from: 'pool' } }),
        guest('db', 'tap101i0', null),
      ),
    });
    expect(origins).toEqual({ web: 'named by proxmox, zone by pool', db: 'named by proxmox' });
  });
});

describe('of a bridge', () => {
  it('the interfaces of one guest are joined', () => {
    const guests = [
      { ...guest('web', 'fwpr100p0', 'x'), id: '1' },
      { ...guest('web', 'tap101i0', 'x'), id: '1' },
      { ...guest('web', 'tap102i0', 'x'), id: '2' },
    ];
    const withoutUplink = { ...state(), links: state().links.filter(({ name }) => name !== 'enp1s0') };
    const { endpoints } = found(guests, withoutUplink);
    expect(Object.entries(endpoints).map(([name, { port, owner }]) => [name, port, owner])).toEqual([
      ['web', 'fwpr100p0', 'web'],
      ['web.2', 'tap101i0', 'web'],
      ['web.3', 'tap102i0', undefined],
    ]);
  });
  it('programs that could not be asked for names are said', () => {
    expect(partsOf({ inventory: { guests: [], unread: [{ what: 'virsh', why: 'denied' }] } }).notes).toEqual([
      'virsh could not be asked for names: denied',
    ]);
  });
});
