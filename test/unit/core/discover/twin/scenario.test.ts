import { describe, expect, it } from 'vitest';
import { supposing, type TwinInput, twinScenario } from '../../../../../src/core/discover/twin/scenario.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { change, plain, entry, found, input, steps, classes } from '../../../../support/discover/twin-fixture.js';

describe('a twin', () => {
  it('is a lab with the bridge, its guests and the attacks on them', () => {
    const { scenario, missing } = twinScenario(input());
    expect(scenario).toMatchObject({
      version: 1,
      name: 'twin-br0',
      allow_disruptive: true,
      topology: { provider: 'lab', bridges: { br0: {} } },
      policy: [{ within: 'zone:*' }],
    });
    expect(scenario.topology.bridges).toEqual({ br0: {} });
    expect(scenario.topology).not.toHaveProperty('sysctl');
    expect(Object.keys(scenario.topology.endpoints)).toEqual(['g0', 'g1', 'g2', 'nic']);
    expect(missing).toEqual([]);
    expect(classes()).toEqual([
      'asked',
      'unknown-unicast',
      'mac-spoof',
      'ip-spoof',
      'mac-steal',
      'gateway-steal',
      'mac-flood',
      'arp-spoof',
      'ra-spoof',
      'dhcp-offer',
      'igmp-query',
      'stp-root',
    ]);
  });
  it('says of its bridge what gets the live one’s frames and is not in the lab', () => {
    const promiscuous = change(plain, 'br0', { promiscuity: 1 });
    const { scenario, missing } = twinScenario(input({ state: promiscuous }));
    expect(scenario.topology.bridges).toEqual({ br0: { unheard: missing[0] } });
    expect(missing).toEqual([expect.stringContaining('something holds it promiscuous')]);
  });
  it("keeps who keeps the live bridge and its ports, and nobody else's", () => {
    const kept = (device: string): TwinInput['keepers'][number] => ({
      by: 'ifupdown2',
      device,
      file: '/etc/network/interfaces',
      bridge: 'br0',
    });
    expect(twinScenario(input({ keepers: [kept('br0'), kept('br9'), kept('p3')] })).scenario.topology.keepers).toEqual([
      kept('br0'),
      kept('p3'),
    ]);
    expect(twinScenario(input({ keepers: [kept('br9')] })).scenario.topology).not.toHaveProperty('keepers');
  });
  it('asks its rules that copy or move frames with what they take, those alone that stand in it', () => {
    const copy = (to: string): object => ({
      protocol: 'ip',
      pref: 7,
      kind: 'u32',
      options: {
        fh: '800::800',
        match: { value: '1bb', mask: 'ffff', off: 20 },
        matches: [
          { value: '60000', mask: 'ff0000', off: 8 },
          { value: '1bb', mask: 'ffff', off: 20 },
        ],
        actions: [{ kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: to }],
      },
    });
    const state: HostState = {
      ...plain,
      tc: { filters: { 'p0 ingress': [copy('p2')], 'p1 ingress': [copy('p9')] } },
    };
    const discovered = found({ g1: { bridge: 'br0', port: 'p1', mac: '52:54:00:00:00:02', ip: '10.0.0.2/24' } });
    const asked = twinScenario(input({ state, discovered })).scenario.steps.filter(
      (step) => 'name' in step && step.name === 'rules that copy or move frames',
    );
    expect(asked).toEqual([
      {
        name: 'rules that copy or move frames',
        probe: [
          expect.objectContaining({
            ...{ class: 'known-unicast', from: ['g0'], to: ['g1'], carriers: ['ipv4-tcp'] },
            rule: 'tc p0 ingress pref 7 handle 800::800',
            fields: expect.objectContaining({ protocol: 6, dst_port: 443 }),
          }),
        ],
        expect: 'private',
      },
    ]);
    expect(twinScenario(input({ state, discovered, classes: ['mac-spoof'] })).scenario.steps).not.toContainEqual(
      asked[0],
    );
  });
  it('asks only the classes that are asked for', () => {
    expect(classes({ classes: ['mac-spoof'] })).toEqual(['mac-spoof']);
    expect(classes({ classes: ['known-unicast', 'arp-spoof'] })).toEqual(['asked', 'arp-spoof']);
    expect(twinScenario(input({ classes: ['mac-spoof'] })).scenario).not.toHaveProperty('policy');
    expect(twinScenario(input({ classes: ['known-unicast'] })).scenario).toHaveProperty('policy');
    const { policy: _, ...unruled } = found().scenario;
    expect(twinScenario(input({ discovered: { ...found(), scenario: unruled } })).scenario).not.toHaveProperty(
      'policy',
    );
  });
  it('has what the live one is set to, its sysctl and its own VLANs', () => {
    const set = {
      ...change(plain, 'br0', { bridge: { ageing_time: 0, vlan_filtering: 1, vlan_default_pvid: 1 } }),
      sysctl: { 'net.ipv4.ip_forward': '1' },
      vlan: [
        { ifname: 'br0', vlans: [{ vlan: 7 }] },
        ...['p0', 'p1', 'p2', 'p3'].map((ifname) => ({
          ifname,
          vlans: [{ vlan: 10, flags: ['PVID', 'Egress Untagged'] }],
        })),
      ],
    };
    const { topology } = twinScenario(input({ state: set })).scenario;
    expect(topology).toMatchObject({
      bridges: { br0: { ageing_time: 0, vlan_filtering: 'on', vlans: [{ vid: 7 }] } },
      sysctl: { 'net.ipv4.ip_forward': '1' },
    });
    expect(topology.endpoints['g0']).toMatchObject({ vlans: [{ vid: 10, pvid: true, untagged: true }] });
    expect(classes({ state: set })).toContain('vlan-hop');
  });
  it('takes the default VLAN from ports that have none, where the bridge filters', () => {
    const filtering = (pvid: number, on = 1): HostState => ({
      ...change(plain, 'br0', { bridge: { vlan_filtering: on, vlan_default_pvid: pvid } }),
      vlan: [{ ifname: 'p0', vlans: [{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }] }],
    });
    const prepared = (state: HostState): unknown =>
      steps({ state }).find(({ name }) => name === 'entries and rules as on the live bridge');
    expect(prepared(filtering(1))).toEqual({
      name: 'entries and rules as on the live bridge',
      vlan: { del: ['p1', 'p2', 'p3'].map((port) => ({ port, vid: 1 })) },
    });
    expect(prepared(filtering(5))).toMatchObject({
      vlan: { del: ['p1', 'p2', 'p3'].map((port) => ({ port, vid: 5 })) },
    });
    expect([prepared(filtering(0)), prepared(filtering(1, 0)), prepared(plain)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
  it('has its entries, groups, rules and filters in a first step', () => {
    const state: HostState = {
      ...plain,
      fdb: [entry('02:00:00:00:00:77', 'p0', { state: 'static' })],
      mdb: [{ mdb: [{ dev: 'br0', port: 'p1', grp: '239.1.1.1', state: 'permanent' }] }],
      tc: {
        filters: {
          'p0 ingress': [
            {
              protocol: 'all',
              pref: 1,
              kind: 'matchall',
              options: { actions: [{ kind: 'gact', control_action: { type: 'drop' } }] },
            },
          ],
        },
      },
    };
    expect(steps({ state, hasRules: true })[0]).toEqual({
      name: 'entries and rules as on the live bridge',
      fdb: { add: [{ mac: '02:00:00:00:00:77', port: 'p0', state: 'static' }] },
      mdb: { add: [{ group: '239.1.1.1', port: 'p1' }] },
      run: [
        ['nft', '-f', 'rules.nft'],
        ['tc', 'qdisc', 'add', 'dev', 'p0', 'clsact'],
        ['tc', 'filter', 'add', 'dev', 'p0', 'ingress', 'protocol', 'all', 'prio', '1', 'matchall', 'action', 'drop'],
      ],
    });
  });
  it('names what it does not have, of every part', () => {
    const state: HostState = {
      ...change(plain, 'p2', { xdp: 'guard', port: { backup_port: 'p9' } }),
      fdb: [entry('02:00:00:00:00:77', 'p9', { state: 'static' })],
      tc: { filters: { 'p0 ingress': [{ kind: 'bpf', options: {} }] } },
    };
    expect(
      twinScenario(
        input({ state, missing: ['known before'], discovered: found({ g1: { bridge: 'br0', port: 'p1' } }) }),
      ).missing,
    ).toEqual([
      'known before',
      'the MAC of p1: it is not on record, and another stands for it',
      'the XDP guard on p2',
      'p2.backup_port p9: it is not in the twin',
      'entry 02:00:00:00:00:77 on p9: the port is not in the twin',
      'the tc filter bpf at p0 ingress',
    ]);
  });
  it('is refused without the bridge, and without two guests', () => {
    expect(() => twinScenario(input({ bridge: 'br9' }))).toThrow(
      expect.objectContaining({ code: 'interface-gone', exitCode: 69, message: 'there is no bridge "br9"' }),
    );
    expect(() => twinScenario(input({ discovered: found({ g1: undefined, g2: undefined }) }))).toThrow(
      expect.objectContaining({
        code: 'too-little-found',
        exitCode: 3,
        message: 'br0 has 1 guest that can be heard: one must attack another',
      }),
    );
  });
  it('is attacked by one guest with the uplink to talk to, where two guests are enough', () => {
    const two = found({ g2: undefined });
    expect(
      steps({ discovered: two })
        .flatMap(({ probe }) => probe ?? [])
        .find((probe) => probe.class === 'mac-steal'),
    ).toMatchObject({ from: 'g0', to: 'g1', via: 'nic' });
    const alone = found({ nic: undefined });
    expect(
      steps({ discovered: alone })
        .flatMap(({ probe }) => probe ?? [])
        .find((probe) => probe.class === 'mac-steal'),
    ).toMatchObject({ from: 'g0', to: 'g1', via: 'g2' });
  });
  it('hops VLANs where one port of it has some', () => {
    const set = { ...plain, vlan: [{ ifname: 'p0', vlans: [{ vlan: 10, flags: ['PVID', 'Egress Untagged'] }] }] };
    expect([classes({ state: set }).includes('vlan-hop'), classes().includes('vlan-hop')]).toEqual([true, false]);
  });
  it('with a setting as it might be differs in that alone', () => {
    const twin = twinScenario(input({ state: change(plain, 'p0', { port: { isolated: true } }) }));
    const supposed = supposing(twin, [
      { device: 'br0', key: 'ageing_time', value: 0 },
      { device: 'p0', key: 'flood', value: 'off' },
    ]);
    expect([supposed.scenario.name, supposed.missing]).toEqual(['twin-br0-what-if', twin.missing]);
    expect(supposed.scenario.topology.bridges).toEqual({ br0: { ageing_time: 0 } });
    expect(supposed.scenario.topology.endpoints['g0']?.settings).toEqual({ isolated: 'on', flood: 'off' });
    expect(supposed.scenario.topology.endpoints['g1']).toEqual(twin.scenario.topology.endpoints['g1']);
    const withHost = twinScenario(input({ addresses: ['10.0.0.254/24'] }));
    expect(supposing(withHost, []).scenario.topology.endpoints['host']).toEqual(
      withHost.scenario.topology.endpoints['host'],
    );
  });
});
