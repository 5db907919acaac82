import { describe, expect, it } from 'vitest';
import { segmentOf } from '../../../../../src/core/bridge/bypass/segment.js';
import type { LinkState } from '../../../../../src/core/model/state.js';

const link = (name: string, parts: Partial<LinkState> = {}): LinkState => ({
  name,
  ifindex: 1,
  mac: '',
  mtu: 1500,
  flags: ['UP'],
  operstate: 'UP',
  master: null,
  promiscuity: 0,
  kind: null,
  sysFlags: null,
  bridge: null,
  port: null,
  ...parts,
});
const reached = (...links: readonly LinkState[]): readonly string[] =>
  [...segmentOf(new Set(['br0']), { links, tc: null })].sort();
const br0 = link('br0', { kind: 'bridge' });

describe('the devices that frames of a bridge come to', () => {
  it('are the bridge, its ports, and what stands on them', () => {
    expect(
      reached(
        br0,
        link('vnet0', { master: 'br0', kind: 'tun' }),
        link('br0.7', { lower: 'br0', kind: 'vlan' }),
        link('mv', { lower: 'br0', kind: 'macvlan' }),
        link('vnet0.9', { lower: 'vnet0', kind: 'vlan' }),
        link('eth9'),
      ),
    ).toEqual(['br0', 'br0.7', 'mv', 'vnet0', 'vnet0.9']);
  });

  it('are the ifbs to which tc hands frames, one after the other, and nobody else that tc names', () => {
    const to = (device: string) => [{ kind: 'mirred', direction: 'egress', to_dev: device }];
    const tc = { filters: { 'vnet0 ingress': to('ifb0'), 'ifb0 egress': to('ifb1'), 'ifb1 egress': to('eth9') } };
    const links = [
      br0,
      link('vnet0', { master: 'br0', kind: 'tun' }),
      ...['ifb0', 'ifb1', 'ifb2'].map((name) => link(name, { kind: 'ifb' })),
      link('eth9'),
    ];
    expect([...segmentOf(new Set(['br0']), { links, tc })].sort()).toEqual(['br0', 'ifb0', 'ifb1', 'vnet0']);
  });

  it.each(['veth', 'netkit'])(
    'are the bridge behind a pair of the kind %s, also below a VLAN device, and its ports',
    (kind) => {
      const behind = [
        link('w1', { master: 'br1', kind, lower: 'w0' }),
        link('br1', { kind: 'bridge' }),
        link('tap', { master: 'br1', kind: 'tun' }),
      ];
      expect(reached(br0, link('w0', { master: 'br0', kind, lower: 'w1' }), ...behind)).toEqual([
        'br0',
        'br1',
        'tap',
        'w0',
        'w1',
      ]);
      const tagged = link('w0.7', { master: 'br0', kind: 'vlan', lower: 'w0' });
      expect(reached(br0, tagged, link('w0', { kind, lower: 'w1' }), ...behind)).toEqual([
        'br0',
        'br1',
        'tap',
        'w0',
        'w0.7',
        'w1',
      ]);
    },
  );

  it('are what lies below an uplink, and not what else stands there', () => {
    expect(
      reached(
        br0,
        link('bond0.7', { master: 'br0', kind: 'vlan', lower: 'bond0' }),
        link('bond0', { kind: 'bond' }),
        link('eth0', { master: 'bond0' }),
        link('bond0.8', { kind: 'vlan', lower: 'bond0', master: 'br8' }),
        link('br8', { kind: 'bridge' }),
      ),
    ).toEqual(['bond0', 'bond0.7', 'br0', 'eth0']);
  });

  it('are the devices of guests that the host routes to, and what stands on them', () => {
    const links = [link('tap1', { kind: 'tun' }), link('mv', { lower: 'tap1', kind: 'macvlan' }), link('eth9')];
    expect([...segmentOf(new Set(['routes']), { links, tc: null }, ['tap1', 'gone'])].sort()).toEqual(['mv', 'tap1']);
  });

  it('end where links form a ring', () => {
    expect(
      reached(
        br0,
        link('a', { master: 'br0', kind: 'veth', lower: 'b' }),
        link('b', { master: 'br0', kind: 'veth', lower: 'a' }),
      ),
    ).toEqual(['a', 'b', 'br0']);
  });
});
