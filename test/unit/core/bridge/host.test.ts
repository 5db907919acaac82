import { describe, expect, it } from 'vitest';
import {
  entriesIn,
  entriesOf,
  entriesOn,
  groupMembers,
  linkAt,
  linkNamed,
  portsOf,
  portVlans,
  routerPorts,
} from '../../../../src/core/bridge/host.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const entry = { vlan: null, state: 'dynamic', flags: [], usedS: null, updatedS: null } as const;
const [first, second] = [upLink('v0', { ifindex: 4, master: 'br0' }), upLink('v0', { ifindex: 5, master: 'br0' })];
const links = [upLink('br0', { ifindex: 3, kind: 'bridge' }), first, second, upLink('h2/br0', { ifindex: 3 })];
const state = stateWith(links, {
  fdb: [
    { ...entry, mac: '02:00:00:00:00:01', port: 'v0', master: 'br0' },
    { ...entry, mac: '02:00:00:00:00:01', port: 'br0', master: null },
  ],
});

describe('a link', () => {
  it('is the first of its name, and none has the name of nothing', () => {
    expect(linkNamed(state, 'v0')).toBe(first);
    expect([null, undefined, '', 'v9'].map((name) => linkNamed(state, name))).toEqual(Array(4).fill(undefined));
  });

  it('is found by its index on its own host', () => {
    expect([linkAt(state, 3)?.name, linkAt(state, 3, 'h2')?.name, linkAt(state, 4, 'h2')]).toEqual([
      'br0',
      'h2/br0',
      undefined,
    ]);
    expect(linkAt({ links: [{ ...first, ifindex: 0 }] }, null)).toBeUndefined();
  });

  it('is a port of its master', () => {
    expect(portsOf(state, 'br0')).toEqual([first, second]);
    expect(portsOf(state, 'v0')).toEqual([]);
  });
});

it('entries are found by MAC, by device and by bridge, and another state has others', () => {
  expect(entriesOf(state, '02:00:00:00:00:01')).toHaveLength(2);
  expect(entriesOf(state, null)).toEqual([]);
  expect(entriesOn(state, 'v0')).toEqual([state.fdb[0]]);
  expect(entriesIn(state, 'br0')).toEqual([state.fdb[0]]);
  expect(entriesOf({ fdb: [] }, '02:00:00:00:00:01')).toEqual([]);
});

describe('a group', () => {
  const mdb = [
    {
      mdb: [
        { dev: 'br0', port: 'v0', grp: '239.1.1.1', state: 'permanent', vid: 20, src: '10.0.0.1', flags: ['offload'] },
        { dev: 'br0', port: 'v1', grp: '239.1.1.1', vid: 0 },
      ],
      router: { br0: [{ port: 'v2' }, {}] },
    },
    { router: { br1: [{ port: 'w0' }] } },
  ];

  it('has members with their VLAN, source and state', () => {
    const named = { bridge: 'br0', group: '239.1.1.1' };
    expect(groupMembers({ mdb })).toEqual([
      { ...named, port: 'v0', vlan: 20, source: '10.0.0.1', state: 'permanent', flags: ['offload'] },
      { ...named, port: 'v1', vlan: null, source: null, state: 'temp', flags: [] },
    ]);
  });

  it('has a member that cannot be understood all the same', () => {
    expect(groupMembers({ mdb: [{ mdb: [{}] }] })).toMatchObject([{ bridge: '?', port: '?', group: null }]);
  });

  it('goes to router ports, of which one without a name counts', () => {
    expect(routerPorts({ mdb }, 'br0')).toEqual(['v2', '?']);
    expect(routerPorts({ mdb }, 'br1')).toEqual(['w0']);
  });

  it.each([[null], [undefined], ['x'], [[]]])('has none where nothing was read: %j', (mdb) => {
    expect([groupMembers({ mdb }), routerPorts({ mdb }, 'br0')]).toEqual([[], []]);
  });
});

it('the VLANs of a port are ranges, members and a text; of one that is not listed they are not known', () => {
  const vlan = [
    {
      ifname: 'v0',
      vlans: [
        { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
        { vlan: 20, vlanEnd: 22 },
      ],
    },
    { ifname: 'v1', vlans: [{ vlan: 1, flags: ['PVID', 'of a later kernel'] }] },
    { ifname: 'v2', vlans: [{ vlan: 1, flags: ['PVID'] }] },
  ];
  const found = portVlans({ vlan }, 'v0');
  expect([found?.native, [...(found?.members ?? [])]]).toEqual([1, [1, 20, 21, 22]]);
  expect(found?.ranges).toEqual([
    { first: 1, last: 1, pvid: true, untagged: true },
    { first: 20, last: 22, pvid: false, untagged: false },
  ]);
  expect([portVlans({ vlan }, 'v3'), portVlans({ vlan: null }, 'v0')]).toEqual([null, null]);
  // A flag that is not understood is a difference all the same
  const [known, unknown] = ['v2', 'v1'].map((port) => portVlans({ vlan }, port)?.text.replace(port, ''));
  expect(known).not.toBe(unknown);
});
