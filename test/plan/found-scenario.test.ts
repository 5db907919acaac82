import { describe, expect, it } from 'vitest';
import type { GuestRecord } from '../../src/model/guest-record.js';
import type { HostState, LinkState } from '../../src/model/state.js';
import { chooseBridge, foundScenario } from '../../src/plan/found-scenario.js';

const link = (name: string, more: Partial<LinkState> = {}): LinkState => ({
  name, ifindex: 1, mac: '02:00:00:00:00:ff', mtu: 1500, flags: ['UP', 'LOWER_UP'], operstate: 'UP', master: 'vmbr0', promiscuity: 1, kind: 'veth', sysFlags: null, bridge: null, port: { isolated: false }, ...more,
});
const bridge = (name: string, settings: Record<string, number> = {}): LinkState => link(name, { master: null, kind: 'bridge', bridge: settings });
const fdb = (mac: string, port: string): HostState['fdb'][number] => ({ mac, port, master: 'vmbr0', vlan: null, state: 'dynamic', flags: [], usedS: null, updatedS: null });
const guest = (name: string, port: string, zone: string | null, more: Partial<GuestRecord> = {}): GuestRecord => ({ manager: 'proxmox', name, port, mac: null, ips: [], zone: zone === null ? null : { name: zone, from: 'tag' }, firewall: null, ...more });
const macs = ['bc:24:11:00:00:01', 'bc:24:11:00:00:02', 'bc:24:11:00:00:03'];
const ports = ['fwpr100p0', 'tap101i0', 'tap102i0'];
const state = (more: Partial<HostState> = {}, links: readonly LinkState[] = []): HostState => ({
  links: [bridge('vmbr0'), bridge('fwbr100i0'), link('tap100i0', { master: 'fwbr100i0', kind: 'tun' }), ...ports.map((name) => link(name)), link('enp1s0', { kind: null }), ...links],
  fdb: [...macs.map((mac, at) => fdb(mac, ports[at] ?? '')), fdb('00:11:22:33:44:55', 'enp1s0')], vlan: [], mdb: [], tc: null, nft: null, sysctl: {}, unread: [], ...more,
});
const found = (guests: readonly GuestRecord[], of: HostState = state()): ReturnType<typeof foundScenario> => foundScenario({ state: of, neighbours: [], inventory: { guests, unread: [] }, bridge: 'vmbr0', netns: null });

describe('a scenario of what runs', () => {
  it('takes a firewall’s bridge for no bridge to be asked about, and names its port after the guest behind it', () => {
    expect(chooseBridge(state(), null)).toBe('vmbr0');
    const { scenario, origins } = found([guest('web', 'fwpr100p0', 'prod', { firewall: 'fwbr100i0' })]);
    expect(scenario.topology.endpoints['web']).toMatchObject({ port: 'fwpr100p0', zone: 'prod', mac: macs[0] });
    expect(origins['web']).toContain('its firewall is fwbr100i0, behind this port');
  });

  it('never makes one zone of two whose names differ in characters that a scenario does not take', () => {
    const { scenario } = found([guest('a', ports[0] ?? '', 'A/B'), guest('b', ports[1] ?? '', 'A B')]);
    expect([scenario.topology.endpoints['a']?.zone, scenario.topology.endpoints['b']?.zone]).toEqual(['A-B', 'A-B.2']);
  });

  it('never makes one endpoint of two guests of one name', () => {
    expect(Object.keys(found([guest('same', ports[0] ?? '', null), guest('same', ports[1] ?? '', null)]).scenario.topology.endpoints)).toEqual(['same', 'same.2', 'tap102i0', 'enp1s0']);
  });

  it('claims separation where no VLAN is shared, with the VLANs that the bridge filters', () => {
    const vlan = ports.map((ifname, at) => ({ ifname, vlans: [{ vlan: 10 * (at + 1), flags: ['PVID', 'Egress Untagged'] }] }));
    const filtering = state({ vlan });
    const { scenario, sentences } = found([], { ...filtering, links: filtering.links.map((one) => (one.name === 'vmbr0' ? bridge('vmbr0', { vlan_filtering: 1 }) : one)) });
    expect(scenario.topology.endpoints['tap101i0']).toMatchObject({ zone: 'vlan20', vlans: [{ vid: 20, pvid: true, untagged: true }] });
    expect([scenario.policy, sentences]).toEqual([[{ from: 'zone:*', to: 'zone:*', expect: 'separated' }], ['Between zones, what a guest sends never arrives.']]);
    expect(found([], filtering).scenario.policy).toBeUndefined(); // without filtering the kernel does not act on tags
  });

  it('claims separation where every guest’s port is isolated, else that nobody overhears', () => {
    const two = [guest('a', ports[0] ?? '', 'x'), guest('b', ports[1] ?? '', 'y'), guest('c', ports[2] ?? '', 'y')];
    expect(found(two).scenario.policy).toEqual([{ within: 'zone:*', expect: 'private' }, { from: 'zone:*', to: 'zone:*', expect: 'private' }]);
    const isolated = state();
    expect(found(two, { ...isolated, links: isolated.links.map((one) => ({ ...one, port: { isolated: true } })) }).scenario.policy?.[1]).toEqual({ from: 'zone:*', to: 'zone:*', expect: 'separated' });
  });

  it('says which ports it left out and who has not spoken', () => {
    const { notes } = found([], state({ fdb: [...macs.slice(1).map((mac, at) => fdb(mac, ports[at + 1] ?? '')), fdb('00:11:22:33:44:55', 'enp1s0')] }, [link('tap9i0', { flags: ['UP'] })]));
    expect(notes).toEqual(['left out: tap9i0: no carrier: nobody runs behind it', expect.stringContaining('fwpr100p0 has not spoken lately')]);
  });
});
