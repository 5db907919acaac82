import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { bridgeSettings, portSettings } from '../../../../../src/core/bridge/attributes.js';
import { labScenario } from '../../../../../src/core/discover/whole/lab.js';
import type { Scenario, Settings } from '../../../../../src/core/model/scenario.js';
import type { Setting } from '../../../../../src/core/model/settings.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';
import { inputOf } from '../../../../support/discover/composed.js';
import { setLink, stateWith, upLink } from '../../../../support/link-state.js';

const usual = (settings: readonly Setting[]): Settings =>
  Object.fromEntries(settings.flatMap(({ key, default: value }) => (value === undefined ? [] : [[key, value]])));
const port = (name: string, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, { mac: '02:00:00:00:00:ff', master: 'br0', promiscuity: 1, kind: 'veth', port: {}, ...more });
const host = (...changes: readonly ((state: HostState) => HostState)[]): HostState =>
  changes.reduce(
    (state, change) => change(state),
    stateWith([
      port('br0', { master: null, kind: 'bridge', port: null, bridge: usual(bridgeSettings) }),
      ...['v1', 'v2', 'v3'].map((name) => port(name, { port: usual(portSettings) })),
      port('enp1s0', { kind: null }),
    ]),
  );
const written = (state: HostState, wishes: Parameters<typeof inputOf>[1] = {}): Scenario =>
  loadScenario('lab', Buffer.from(stringify(labScenario(inputOf({ state }, wishes)).scenario)));
const portsOf = ({ topology }: Scenario) => topology.endpoints.map(({ port: name, settings }) => [name, settings]);

describe('a lab with the settings of a host', () => {
  it('has every port, though the bridge knows no MAC, and no setting that a new one has', () => {
    const { topology, name } = written(host());
    expect([name, topology.provider, topology.bridges[0]?.settings]).toEqual(['lab-br0', 'lab', {}]);
    expect(topology.endpoints.map(({ port: device, role }) => `${device} ${role}`)).toEqual([
      'v1 guest',
      'v2 guest',
      'v3 guest',
      'enp1s0 uplink',
    ]);
    expect(topology.endpoints.every(({ settings }) => Object.keys(settings).length === 0)).toBe(true);
  });

  it('has settings that differ, but a tick of a timer and times of spanning tree', () => {
    const bridge = {
      ...{ ageing_time: 0, group_fwd_mask: '0x4000', mcast_snooping: 0, mcast_startup_query_intvl: 3124 },
      ...{ mcast_querier_intvl: 29_998, forward_delay: 4 },
    };
    const scenario = written(
      host(setLink('br0', { bridge }), setLink('v2', { port: { isolated: true, cost: 7, backup_port: 'v3' } })),
    );
    expect(scenario.topology.bridges[0]?.settings).toEqual({
      ...{ ageing_time: 0, group_fwd_mask: '4000', mcast_snooping: 0, mcast_querier_intvl: 29_998 },
    });
    expect(portsOf(scenario)[1]).toEqual(['v2', { isolated: true, backup_port: 'v3' }]);
    expect(portsOf(written(host(setLink('v2', { port: { backup_port: 'gone' } }))))[1]).toEqual(['v2', {}]);
  });

  it('leaves a port without VLANs without any', () => {
    const vlans = (ifname: string, ...vids: readonly number[]) => ({
      ifname,
      vlans: vids.map((vlan) => ({ vlan, flags: ['PVID', 'Egress Untagged'] })),
    });
    const filtering = setLink('br0', { bridge: { vlan_filtering: 1 } });
    const all = ['br0', 'v1', 'v2', 'v3', 'enp1s0'];
    const [pvid, bare] = [all, all.slice(1)].map((devices) => {
      const vlan = devices.map((device) => vlans(device, 1));
      return written({ ...host(filtering), vlan }).topology.bridges[0];
    });
    expect([pvid?.settings, pvid?.vlans.length]).toEqual([{ vlan_filtering: 1 }, 1]);
    expect([bare?.settings, bare?.vlans]).toEqual([{ vlan_filtering: 1, vlan_default_pvid: 0 }, []]);
  });

  it('asks nothing that all may see, also of two guests, and what disturbs if it is wanted', () => {
    const classes = (state: HostState, wishes: Parameters<typeof inputOf>[1] = {}) =>
      new Set(written(state, wishes).steps.flatMap(({ probes }) => probes.map((probe) => probe.class)));
    expect(classes(host())).not.toContain('arp-request');
    const two = { ...host(), links: host().links.filter(({ name }) => !['v3', 'enp1s0'].includes(name)) };
    expect(classes(two)).toContain('unknown-unicast');
    expect(classes(two)).not.toContain('known-unicast');
    expect(classes(host(), { catalogue: { disruptive: true, newMacs: true } })).toContain('mac-flood');
  });

  it('knows nothing of rules, Open vSwitch and other namespaces, and says so first', () => {
    const nft = { nftables: [{ chain: { family: 'ip', table: 't', name: 'f', hook: 'forward' } }] };
    const found = labScenario(inputOf({ state: { ...host(), nft }, netns: 'hv' }));
    expect(JSON.stringify(found.scenario)).not.toContain('hv');
    expect(found.notes[0]).toContain(
      'This lab shows what the kernel does with these settings, not what the host does. Not copied:',
    );
  });
});
