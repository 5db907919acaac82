import { describe, expect, it } from 'vitest';
import { bridgesWithPorts, chooseBridge } from '../../../../src/core/discover/found-scenario.js';
import { addressesInFlows } from '../../../../src/core/bridge/ovs-settings.js';
import { hopsOf } from '../../../../src/core/bridge/hops.js';
import { hostTopology } from '../../../../src/core/discover/host-topology.js';
import { composed } from '../../../support/discover/composed.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const bridges = [upLink('br-int', { kind: 'openvswitch' }), upLink('br-ex', { kind: 'openvswitch' })];
const datapath = upLink('ovs-system', { kind: 'openvswitch' });
const tap = (name: string, master: string) => upLink(name, { kind: 'tun', master });
const read = { bridges: [], ports: [], mirrors: [] };

describe('bridges of Open vSwitch', () => {
  const unread = stateWith([datapath, ...bridges, tap('tap1', 'ovs-system'), tap('tap2', 'ovs-system')]);

  it('are none to choose from where the switch was not asked: its datapath has the ports of all', () => {
    expect(() => chooseBridge(unread, null)).toThrow('the bridges here are of Open vSwitch');
    expect(() => chooseBridge(unread, 'br-int')).toThrow('"br-int" is a bridge of Open vSwitch');
    expect(() => chooseBridge(unread, 'ovs-system')).toThrow('"ovs-system" is a bridge of Open vSwitch');
  });

  it('leave a Linux bridge the only one then', () => {
    const state = stateWith([...unread.links, upLink('br0', { kind: 'bridge' }), tap('tap3', 'br0')]);
    expect(chooseBridge(state, null)).toBe('br0');
  });

  it('are those with ports where it was', () => {
    const state = stateWith([datapath, ...bridges, tap('tap1', 'br-int'), tap('tap2', 'br-int')], { ovs: read });
    expect(bridgesWithPorts(state, null)).toEqual(['br-int']);
  });

  /** Guests of VLAN 10 and 20 on br-int, which a patch joins to br-ex and its NIC; no MAC is learned. */
  const patched = (more: readonly ReturnType<typeof upLink>[] = []) => {
    const guests = [1, 2, 3, 4];
    return stateWith(
      [
        ...bridges.map((bridge, at) => ({ ...bridge, flags: at === 0 ? ['BROADCAST'] : bridge.flags })),
        ...guests.map((n) => tap(`tap${n}`, 'br-int')),
        upLink('int', { kind: 'patch', master: 'br-int', lower: 'ex' }),
        upLink('ex', { kind: 'patch', master: 'br-ex', lower: 'int' }),
        upLink('nic', { master: 'br-ex' }),
        ...more,
      ],
      {
        ovs: {
          ...read,
          bridges: ['br-int', 'br-ex'].map((name) => ({ name, columns: {}, flows: ['actions=NORMAL'] })),
          ports: guests.map((n) => ({
            ...{ name: `tap${n}`, bridge: 'br-int', columns: { tag: n < 3 ? 10 : 20 }, ofport: n, config: [] },
          })),
        },
      },
    );
  };
  const heard = new Map([1, 2, 3, 4].map((n) => [`tap${n}`, `52:54:00:00:00:0${n}`]));

  it('are followed by a patch to a NIC that is alone there', () => {
    expect([...hopsOf(patched())]).toEqual([['int', { bridge: 'br-ex', near: 'nic' }]]);
    expect([...hopsOf(patched([tap('tap9', 'br-ex')]))]).toEqual([]);
    const { whole } = composed({ state: patched(), heard });
    expect(whole.scenario.topology.endpoints['nic']).toEqual({ bridge: 'br-int', port: 'nic', role: 'uplink' });
  });

  it('are asked with the MACs on record, and go on while their own device is down', () => {
    const state = patched();
    const { whole, scenario } = composed({ state, heard });
    expect(whole.notes).toContain('br-int: its own device is down: the host is not on it');
    expect(scenario.steps[0]?.probes[0]).toMatchObject({ class: 'known-unicast', from: ['tap1', 'tap2'] });
    expect(hostTopology(scenario, state, []).scenario.topology.bridges).toMatchObject([{ isDeviceDown: true }]);
  });

  it('that learn nothing are no use to ping over: the MAC is to be written down', () => {
    const hintOf = (flow: string): unknown => {
      const state = patched();
      const ovs = { ...read, ...state.ovs, bridges: [{ name: 'br-int', columns: {}, flows: [flow] }] };
      try {
        return composed({ state: { ...state, ovs } });
      } catch (error) {
        return error;
      }
    };
    expect(hintOf('table=0 actions=resubmit(,8)')).toMatchObject({
      ...{ code: 'too-little-found', exitCode: 3 },
      hint: expect.stringMatching(/^br-int learns no MAC: .*external_ids:attached-mac="MAC"/),
    });
    expect(hintOf('actions=NORMAL')).toMatchObject({ hint: expect.stringContaining('ping from each once') });
  });

  it('flood packets for a host that they do not know in a VLAN: none are asked to be routed there', () => {
    const { scenario } = composed({ state: patched(), heard });
    const asked = new Set(scenario.steps.flatMap(({ probes }) => probes.map((probe) => probe.class)));
    expect([asked.has('unknown-unicast'), asked.has('routed-bounce')]).toEqual([true, false]);
  });

  it('say by flows which address a MAC has', () => {
    const flows = [
      'table=75, priority=90,arp,reg14=0x1,dl_src=52:54:00:00:00:01,arp_spa=10.7.0.1,arp_sha=52:54:00:00:00:01 actions=drop',
      'table=75, priority=90,ip,dl_src=52:54:00:00:00:02,nw_src=10.7.0.2 actions=drop',
      'table=75, priority=90,ip,dl_src=52:54:00:00:00:03,nw_src=10.7.0.0/24 actions=drop',
      'table=75, priority=80,dl_src=00:00:00:00:00:00/01:00:00:00:00:00,nw_src=10.7.0.4 actions=drop',
      'priority=9,udp,dl_src=52:54:00:00:00:05,nw_src=0.0.0.0 actions=NORMAL',
    ];
    expect(addressesInFlows({ ovs: { ...read, bridges: [{ name: 'br-int', columns: {}, flows }] } })).toEqual([
      { mac: '52:54:00:00:00:01', address: '10.7.0.1', device: 'br-int' },
      { mac: '52:54:00:00:00:02', address: '10.7.0.2', device: 'br-int' },
    ]);
  });
});
