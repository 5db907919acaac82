import { describe, expect, it } from 'vitest';
import { bridgesWithPorts, chooseBridge } from '../../../../src/core/discover/found-scenario.js';
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
});
