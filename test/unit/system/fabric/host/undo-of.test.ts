import { refusal } from '../../../../support/refusal.js';
import { entry as learnedAt } from '../../../../support/discover/twin-fixture.js';
import { linkState } from '../../../../support/link-state.js';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../../../src/core/model/fabric.js';
import type { FdbState, HostState } from '../../../../../src/core/model/state.js';
import type { KernelChange } from '../../../../../src/system/fabric/apply.js';
import {
  type Before,
  heldLink,
  onOtherBridge,
  ovsRowsOf,
  undoOf,
} from '../../../../../src/system/fabric/host/undo-of.js';

const state: HostState = {
  links: [linkState('br0', 3), linkState('vnet4', 17, 'br0'), linkState('eth0.1', 5), linkState('if0', 6, 'gone')],
  fdb: [],
  vlan: [
    {
      ifname: 'vnet4',
      vlans: [
        { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
        { vlan: 20, vlanEnd: 22 },
      ],
    },
  ],
  mdb: [{ mdb: [{ dev: 'br0', port: 'vnet4', grp: '239.1.1.1', state: 'temp' }] }],
  tc: [],
  nft: null,
  sysctl: { 'net.ipv4.ip_forward': '0', 'net.ipv4.conf.eth0/1.rp_filter': '2', 'net.a.conf.x.y': '1', 'net.b': '1 2' },
  drops: null,
  programs: null,
  unread: [],
};
const on = { name: 'vnet4', ifindex: 17, master: 3 };
const br0 = { name: 'br0', ifindex: 3, master: 0 };
const uuids = new Map([
  ['Port vnet4', 'uuid-4'],
  ['Port spare', 'uuid-s'],
  ['Bridge br0', 'uuid-b'],
]);
const before: Before = { runId: 'run', state, link: null, vlans: state.vlan, ovsRows: uuids };
const of = (change: KernelChange, more: Partial<Before> = {}): readonly object[] =>
  undoOf(change, { ...before, ...more }, () => 'br0');

describe('a port that came to another bridge while a change was made', () => {
  const held = { ...on, identity: '7' };
  const [was, set] = [true, 'off'];
  const setting = { kind: 'setting', on: held, place: 'port', key: 'flood', set, was } as const;
  const mdb = {
    kind: 'mdb',
    on: held,
    bridge: br0,
    group: '239.1.1.1',
    vlan: null,
    set: 'permanent',
    was: null,
  } as const;
  const links = [linkState('br0', 9), linkState('vnet4', 17, 'br0')];

  it('is written down with that bridge too', () => {
    const moved = { ...held, master: 9 };
    expect(onOtherBridge(setting, { links })).toEqual([{ ...setting, on: moved }]);
    expect(onOtherBridge(mdb, { links })).toEqual([{ ...mdb, on: moved, bridge: { ...br0, ifindex: 9 } }]);
  });

  it.each([
    ['is where it was', state.links],
    ['is without a bridge', [linkState('vnet4', 17)]],
    ['is gone', []],
  ])('has no further entry where it %s', (_, links) => {
    expect([setting, mdb].flatMap((entry) => onOtherBridge(entry, { links }))).toEqual([]);
  });
});

describe('what is written down of a change', () => {
  const set: Extract<Change, { kind: 'set' }> = {
    kind: 'set',
    device: 'vnet4',
    place: 'port',
    key: 'flood',
    value: 'off',
  };
  const shown = (flood: unknown): unknown => [{ linkinfo: { info_slave_data: { flood } } }];

  it('of a setting: interface, bridge, what is set and what was', () => {
    expect(of(set, { link: shown(true) })).toEqual([
      { kind: 'setting', on, place: 'port', key: 'flood', set: 'off', was: true },
    ]);
    expect(of(set, { link: shown(false) })).toEqual([]);
    expect(refusal(() => of(set, { link: [] }))).toBe('unsupported 69 this kernel does not know vnet4.flood');
    expect(refusal(() => of({ ...set, device: 'gone' }, { link: shown(true) }))).toBe(
      'interface-gone 69 there is no interface "gone" any more',
    );
  });

  it('of a sysctl: the interface that its name names', () => {
    const change = (name: string, value: string): readonly object[] => of({ kind: 'sysctl', name, value });
    expect(change('net.ipv4.ip_forward', '1')).toEqual([
      { kind: 'sysctl', on: null, name: 'net.ipv4.ip_forward', set: '1', was: '0' },
    ]);
    expect(change('net.ipv4.conf.eth0/1.rp_filter', '1')).toEqual([
      {
        kind: 'sysctl',
        on: { name: 'eth0.1', ifindex: 5, master: 0 },
        name: 'net.ipv4.conf.eth0/1.rp_filter',
        set: '1',
        was: '2',
      },
    ]);
    expect(change('net.a.conf.x.y', '2')).toMatchObject([{ on: null }]);
    expect(change('net.b', ' 1\t2\n')).toEqual([]);
    expect(refusal(() => change('net.none', '1'))).toBe('unsupported 69 this kernel has no sysctl net.none');
  });

  const vlan = (act: 'add' | 'del', first: number, last: number, pvid = false): readonly object[] =>
    of({ kind: 'vlan', act, self: false, entry: { port: 'vnet4', first, last, pvid, untagged: false } });
  it('of VLANs: those that are touched, and the PVID that loses its flag', () => {
    const native = { first: 1, last: 1, pvid: true, untagged: true };
    expect(vlan('add', 10, 12)).toEqual([
      { kind: 'vlan', on, self: false, set: [{ first: 10, last: 12, pvid: false, untagged: false }], was: [] },
    ]);
    expect(vlan('add', 10, 10, true)).toMatchObject([
      {
        set: [
          { first: 10, last: 10, pvid: true, untagged: false },
          { ...native, pvid: false },
        ],
        was: [native],
      },
    ]);
    expect(vlan('add', 1, 1, true)).toMatchObject([
      { set: [{ first: 1, pvid: true, untagged: false }], was: [native] },
    ]);
    expect(vlan('add', 1, 1)).toMatchObject([
      { set: [{ first: 1, last: 1, pvid: false, untagged: false }], was: [native] },
    ]);
    const part = (first: number, last: number): object => ({ first, last, pvid: false, untagged: false });
    expect(vlan('del', 21, 21)).toMatchObject([{ set: [], was: [part(21, 21)] }]);
    expect(vlan('del', 22, 30)).toMatchObject([{ set: [], was: [part(22, 22)] }]);
    expect(vlan('del', 10, 20)).toMatchObject([{ set: [], was: [part(20, 20)] }]);
    expect(vlan('del', 10, 10, true)).toMatchObject([{ set: [], was: [] }]);
    expect(vlan('del', 1, 1, true)).toMatchObject([{ set: [], was: [native] }]);
  });

  const entry = {
    mac: '02:00:00:00:00:0A',
    port: 'vnet4',
    state: 'static',
    sticky: false,
    vlan: null,
    self: false,
  } as const;
  const learned = learnedAt('02:00:00:00:00:0a', 'vnet4');
  const fdb = (act: 'add' | 'del', rows: readonly Partial<FdbState>[], more: object = {}): readonly object[] => {
    return of(
      { kind: 'fdb', act, entry: { ...entry, ...more } },
      { state: { ...state, fdb: rows.map((row) => ({ ...learned, ...row })) } },
    );
  };
  it('of an entry that comes over from another port of the bridge: that one, unless it is learned there', () => {
    const more = [linkState('vnet9', 19, 'br0'), linkState('vnet7', 20, 'br7')];
    const moving = (row: Partial<FdbState>): readonly object[] =>
      of(
        { kind: 'fdb', act: 'add', entry },
        { state: { ...state, links: [...state.links, ...more], fdb: [{ ...learned, port: 'vnet9', ...row }] } },
      ).slice(0, -1);
    expect(moving({ state: 'static' })).toEqual([
      {
        kind: 'fdb',
        on: { name: 'vnet9', ifindex: 19, master: 3 },
        self: false,
        mac: '02:00:00:00:00:0a',
        rows: [{ vlan: null, set: null, was: { state: 'static', sticky: false } }],
      },
    ]);
    expect(moving({ state: 'dynamic' })).toEqual([]);
    expect(moving({ state: 'static', port: 'vnet7', master: 'br7' })).toEqual([]);
  });
  it('of an entry: its rows in each VLAN, as they are set and as they were', () => {
    const set = { state: 'static', sticky: false };
    const every = (was: readonly (object | null)[]): object[] =>
      [null, 1, 20, 21, 22].map((vlan, at) => ({ vlan, set, was: was[at] ?? null }));
    expect(fdb('add', [])).toEqual([{ kind: 'fdb', on, self: false, mac: '02:00:00:00:00:0a', rows: every([]) }]);
    expect(fdb('add', [{ state: 'permanent' }, { vlan: 20, flags: ['sticky'] }])).toMatchObject([
      { rows: every([{ state: 'permanent', sticky: false }, null, { state: 'dynamic', sticky: true }]) },
    ]);
    expect(fdb('add', [], { vlan: 7, sticky: true })).toMatchObject([
      { rows: [{ vlan: 7, set: { ...set, sticky: true }, was: null }] },
    ]);
    expect(fdb('del', [{ state: 'static', vlan: 1 }, { port: 'x' }, { mac: 'x' }, { master: null }])).toMatchObject([
      { rows: [{ vlan: 1, set: null, was: set }] },
    ]);
    expect(fdb('del', [])).toEqual([]);
    expect(of({ kind: 'fdb', act: 'add', entry: { ...entry, port: 'eth0.1' } })).toMatchObject([
      { rows: [{ vlan: null }] },
    ]);
  });
  it('of an entry of the device itself: of it, not of the bridge, where both have one', () => {
    const rows = [{ state: 'static' }, { master: null, state: 'permanent' }];
    expect(fdb('add', rows, { self: true })).toMatchObject([
      { self: true, rows: [{ vlan: null, set: { state: 'permanent' }, was: { state: 'permanent' } }] },
    ]);
    expect(fdb('del', rows.slice(0, 1), { self: true })).toMatchObject([
      { rows: [{ vlan: null, set: null, was: { state: 'static' } }] },
    ]);
  });

  it('of a member: what kind it was', () => {
    const mdb = (act: 'add' | 'del', group: string, bridge = 'br0'): readonly object[] =>
      of({ kind: 'mdb', act, bridge, entry: { group, port: 'vnet4', vlan: null } });
    const usual = { kind: 'mdb', on, bridge: br0, vlan: null };
    expect(mdb('add', 'FF02::5', '')).toEqual([{ ...usual, group: 'ff02::5', set: 'permanent', was: null }]);
    expect(mdb('add', '239.1.1.1')).toEqual([{ ...usual, group: '239.1.1.1', set: 'permanent', was: 'temp' }]);
    expect(mdb('del', '239.1.1.1')).toEqual([{ ...usual, group: '239.1.1.1', set: null, was: 'temp' }]);
    expect(mdb('del', '239.1.1.2')).toEqual([]);
  });

  it('of learned entries nothing, and what cannot be undone is refused', () => {
    expect(of({ kind: 'fdb-flush', bridge: 'br0' })).toEqual([]);
    expect(refusal(() => of({ kind: 'run', argv: ['true'] }))).toBe(
      'unsupported 69 commands cannot be undone on a host',
    );
  });
});

describe('what is written down of a change of Open vSwitch', () => {
  const port = { uuid: 'uuid-4', name: 'vnet4' };
  const bridge = { uuid: 'uuid-b', name: 'br0' };
  const set = (key: string, value: string | number | boolean, was?: string): readonly object[] =>
    of({ kind: 'ovs-set', table: 'Port', device: 'vnet4', key, value }, was === undefined ? {} : { ovs: was });

  it('goes by the _uuid of its rows', () => {
    expect(set('trunks', 10, '[]')).toEqual([
      { kind: 'ovs-column', table: 'Port', on: port, key: 'trunks', set: '10', was: '[]' },
    ]);
    expect(set('trunks', 10)).toMatchObject([{ was: '' }]);
    for (const value of ['on', 'true', '1', true, 1])
      expect(set('flood', value, 'off')).toEqual([{ kind: 'ovs-flood', on: port, bridge, set: 'on', was: 'off' }]);
    expect(set('flood', 'off', 'on')).toMatchObject([{ set: 'off', was: 'on' }]);
    expect(of({ kind: 'mirror', bridge: 'br0', mirror: { name: 'tap', select: 'all', output: 'spare' } })).toEqual([
      { kind: 'ovs-mirror', bridge, mirror: 'tap', runId: 'run' },
    ]);
    const gone = (): unknown => of({ kind: 'ovs-set', table: 'Bridge', device: 'br9', key: 'flood_vlans', value: 1 });
    expect(refusal(gone)).toBe('interface-gone 69 Open vSwitch has no bridge "br9" any more');
  });

  it('of VLANs: the columns as they will be', () => {
    const vlan = (act: 'add' | 'del', first: number, last: number, pvid = false): readonly object[] =>
      of(
        { kind: 'vlan', ovs: true, act, self: false, entry: { port: 'vnet4', first, last, pvid, untagged: pvid } },
        { ovsVlans: { tag: '11', trunks: '[10, 20]', mode: '[]' } },
      );
    const was = { tag: '11', trunks: '[10, 20]' };
    expect(vlan('add', 30, 30, true)).toEqual([
      { kind: 'ovs-vlan', on: port, set: { tag: '30', trunks: was.trunks }, was },
    ]);
    expect(vlan('add', 19, 21)).toMatchObject([{ set: { tag: '11', trunks: '[10, 20, 19, 21]' }, was }]);
    expect(vlan('del', 10, 11)).toMatchObject([{ set: { tag: '[]', trunks: '[20]' }, was }]);
    expect(vlan('del', 12, 19, true)).toMatchObject([{ set: { tag: '[11]', trunks: '[10, 20]' }, was }]);
  });

  it('of an entry by hand: the ports that have it before and after', () => {
    const mac = '02:00:00:00:00:0a';
    const entry = {
      mac: mac.toUpperCase(),
      port: 'vnet4',
      state: 'static',
      sticky: false,
      vlan: null,
      self: false,
    } as const;
    const fdb = (act: 'add' | 'del', more: Partial<FdbState> = {}, vlan: number | null = null): readonly object[] => {
      const row = {
        mac,
        port: 'spare',
        master: 'br0',
        vlan: 0,
        state: 'static',
        flags: [],
        usedS: null,
        updatedS: null,
        ...more,
      };
      return of({ kind: 'fdb', ovs: true, act, entry: { ...entry, vlan } }, { state: { ...state, fdb: [row] } });
    };
    const spare = { uuid: 'uuid-s', name: 'spare' };
    const usual = { kind: 'ovs-fdb', bridge, mac, vlan: 0 };
    expect(fdb('add')).toEqual([{ ...usual, set: port, was: spare }]);
    expect(fdb('add', { vlan: null })).toEqual([{ ...usual, set: port, was: spare }]);
    expect(fdb('del')).toEqual([{ ...usual, set: null, was: spare }]);
    for (const change of [{ vlan: 5 }, { master: 'br1' }, { mac: 'x' }, { state: 'dynamic' }]) {
      expect(fdb('add', change)).toEqual([{ ...usual, set: port, was: null }]);
      expect(fdb('del', change)).toEqual([]);
    }
    expect(fdb('add', { port: 'vnet4' })).toEqual([]);
    expect(fdb('add', { vlan: 5 }, 5)).toEqual([{ ...usual, vlan: 5, set: port, was: spare }]);
  });

  it('which rows it takes is known before', () => {
    const rows = (change: KernelChange, fdb: readonly Partial<FdbState>[] = []): unknown => {
      const usual = {
        mac: '02:00:00:00:00:0a',
        port: 'spare',
        master: 'br0',
        vlan: 0,
        state: 'static',
        flags: [],
        usedS: null,
        updatedS: null,
      };
      return ovsRowsOf(change, { ...state, fdb: fdb.map((row) => ({ ...usual, ...row })) }, () => 'br0');
    };
    const entry = {
      mac: '02:00:00:00:00:0A',
      port: 'vnet4',
      state: 'static',
      sticky: false,
      vlan: null,
      self: false,
    } as const;
    const range = { port: 'vnet4', first: 1, last: 1, pvid: false, untagged: false };
    expect(rows({ kind: 'ovs-set', table: 'Bridge', device: 'br0', key: 'flood_vlans', value: 1 })).toEqual([
      ['Bridge', 'br0'],
    ]);
    expect(rows({ kind: 'ovs-set', table: 'Port', device: 'vnet4', key: 'flood', value: 1 })).toEqual([
      ['Port', 'vnet4'],
      ['Bridge', 'br0'],
    ]);
    expect(rows({ kind: 'mirror', bridge: 'br0', mirror: { name: 'a', select: 'all', output: 'x' } })).toEqual([
      ['Bridge', 'br0'],
    ]);
    expect(rows({ kind: 'vlan', ovs: true, act: 'add', self: false, entry: range })).toEqual([['Port', 'vnet4']]);
    expect(rows({ kind: 'vlan', act: 'add', self: false, entry: range })).toEqual([]);
    expect(rows({ kind: 'fdb', act: 'add', entry })).toEqual([]);
    expect(
      rows({ kind: 'fdb', ovs: true, act: 'add', entry }, [
        {},
        { state: 'dynamic', port: 'a' },
        { mac: 'x', port: 'b' },
      ]),
    ).toEqual([
      ['Bridge', 'br0'],
      ['Port', 'vnet4'],
      ['Port', 'spare'],
    ]);
    for (const kind of [
      { kind: 'run', argv: [] },
      { kind: 'fdb-flush', bridge: 'br0' },
      { kind: 'sysctl', name: 'a', value: '' },
    ] as const)
      expect(rows(kind)).toEqual([]);
  });
});

it('an interface is held by its index and that of its bridge', () => {
  expect([heldLink(state, 'vnet4'), heldLink(state, 'br0'), heldLink(state, 'if0').master]).toEqual([on, br0, 0]);
});
