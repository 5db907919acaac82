import { refusal } from '../../../../support/refusal.js';
import { learnedAt, linkState, stateWith } from '../../../../support/link-state.js';
import { describe, expect, it } from 'vitest';
import type { FdbState } from '../../../../../src/core/model/state.js';
import type { KernelChange } from '../../../../../src/system/fabric/apply.js';
import {
  type Before,
  heldLink,
  onOtherBridge,
  ovsRowsOf,
  undoOf,
} from '../../../../../src/system/fabric/host/undo-of.js';

const links = [linkState('br0', 3), linkState('vnet4', 17, 'br0'), linkState('eth0.1', 5), linkState('if0', 6, 'gone')];
const state = stateWith(links, {
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
  sysctl: { 'net.ipv4.ip_forward': '0', 'net.ipv4.conf.eth0/1.rp_filter': '2', 'net.a.conf.x.y': '1', 'net.b': '1 2' },
});
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

const mac = '02:00:00:00:00:0a';
/** An entry by hand, its MAC as a user may write it. */
const entry = {
  mac: mac.toUpperCase(),
  port: 'vnet4',
  state: 'static',
  sticky: false,
  vlan: null,
  self: false,
} as const;
/** The same MAC in Open vSwitch, at another port. */
const ovsRow = (more: Partial<FdbState> = {}): FdbState =>
  learnedAt(mac, 'spare', { vlan: 0, state: 'static', ...more });
const range = (first: number, last = first, pvid = false, untagged = false) => ({ first, last, pvid, untagged });

describe('a port that came to another bridge while a change was made', () => {
  const held = { ...on, identity: '7' };
  const setting = { kind: 'setting', on: held, place: 'port', key: 'flood', set: 'off', was: true } as const;
  const member = { kind: 'mdb', on: held, bridge: br0, group: '239.1.1.1', vlan: null } as const;
  const mdb = { ...member, set: 'permanent', was: null } as const;

  it('is written down with that bridge too', () => {
    const moved = { ...held, master: 9 };
    const links = [linkState('br0', 9), linkState('vnet4', 17, 'br0')];
    expect(onOtherBridge(setting, { links })).toEqual([{ ...setting, on: moved }]);
    expect(onOtherBridge(mdb, { links })).toEqual([{ ...mdb, on: moved, bridge: { ...br0, ifindex: 9 } }]);
  });

  it.each([
    ['is where it was', links],
    ['is without a bridge', [linkState('vnet4', 17)]],
    ['is gone', []],
  ])('has no further entry where it %s', (_, links) => {
    expect([setting, mdb].flatMap((entry) => onOtherBridge(entry, { links }))).toEqual([]);
  });
});

describe('what is written down of a change', () => {
  const set = { kind: 'set', device: 'vnet4', place: 'port', key: 'flood', value: 'off' } as const;
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

  const sysctl = (name: string, value: string): readonly object[] => of({ kind: 'sysctl', name, value });
  it.each([
    ['net.ipv4.ip_forward', '1', [{ on: null, set: '1', was: '0' }]],
    ['net.ipv4.conf.eth0/1.rp_filter', '1', [{ on: { name: 'eth0.1', ifindex: 5, master: 0 }, set: '1', was: '2' }]],
    ['net.a.conf.x.y', '2', [{ on: null, set: '2', was: '1' }]],
    ['net.b', ' 1\t2\n', []],
  ])('of sysctl %s: the interface that its name names', (name, value, written) =>
    expect(sysctl(name, value)).toEqual(written.map((parts) => ({ kind: 'sysctl', name, ...parts }))),
  );
  it('of a sysctl that the kernel does not have: nothing, it is refused', () =>
    expect(refusal(() => sysctl('net.none', '1'))).toBe('unsupported 69 this kernel has no sysctl net.none'));

  const native = range(1, 1, true, true);
  it.each([
    ['add', range(10, 12), [range(10, 12)], []],
    ['add', range(10, 10, true), [range(10, 10, true), { ...native, pvid: false }], [native]],
    ['add', range(1, 1, true), [range(1, 1, true)], [native]],
    ['add', range(1), [range(1)], [native]],
    ['del', range(21), [], [range(21)]],
    ['del', range(22, 30), [], [range(22)]],
    ['del', range(10, 20), [], [range(20)]],
    ['del', range(10, 10, true), [], []],
    ['del', range(1, 1, true), [], [native]],
  ] as const)('of VLANs, %s %j: those that are touched, and the PVID that loses its flag', (act, vlans, now, was) =>
    expect(of({ kind: 'vlan', act, self: false, entry: { port: 'vnet4', ...vlans } })).toEqual([
      { kind: 'vlan', on, self: false, set: now, was },
    ]),
  );

  const learned = learnedAt(mac, 'vnet4', { state: 'dynamic' });
  const fdb = (act: 'add' | 'del', rows: readonly Partial<FdbState>[], more: object = {}): readonly object[] =>
    of(
      { kind: 'fdb', act, entry: { ...entry, ...more } },
      { state: { ...state, fdb: rows.map((row) => ({ ...learned, ...row })) } },
    );
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
        mac,
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
    expect(fdb('add', [])).toEqual([{ kind: 'fdb', on, self: false, mac, rows: every([]) }]);
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

  const [group, other] = ['239.1.1.1', '239.1.1.2'];
  it.each([
    ['add', 'FF02::5', '', [{ group: 'ff02::5', set: 'permanent', was: null }]],
    ['add', group, 'br0', [{ group, set: 'permanent', was: 'temp' }]],
    ['del', group, 'br0', [{ group, set: null, was: 'temp' }]],
    ['del', other, 'br0', []],
  ] as const)('of a member, %s %s at bridge %j: what kind it was', (act, asked, bridge, written) =>
    expect(of({ kind: 'mdb', act, bridge, entry: { group: asked, port: 'vnet4', vlan: null } })).toEqual(
      written.map((parts) => ({ kind: 'mdb', on, bridge: br0, vlan: null, ...parts })),
    ),
  );

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

  const was = { tag: '11', trunks: '[10, 20]' };
  it.each([
    ['add', range(30, 30, true, true), { tag: '30', trunks: was.trunks }],
    ['add', range(19, 21), { tag: '11', trunks: '[10, 20, 19, 21]' }],
    ['del', range(10, 11), { tag: '[]', trunks: '[20]' }],
    ['del', range(12, 19, true, true), { tag: '[11]', trunks: '[10, 20]' }],
  ] as const)('of VLANs, %s %j: the columns as they will be', (act, vlans, columns) =>
    expect(
      of(
        { kind: 'vlan', ovs: true, act, self: false, entry: { port: 'vnet4', ...vlans } },
        { ovsVlans: { ...was, mode: '[]' } },
      ),
    ).toEqual([{ kind: 'ovs-vlan', on: port, set: columns, was }]),
  );

  const spare = { uuid: 'uuid-s', name: 'spare' };
  const fdb = (act: 'add' | 'del', more: Partial<FdbState> = {}, vlan: number | null = null): readonly object[] =>
    of({ kind: 'fdb', ovs: true, act, entry: { ...entry, vlan } }, { state: { ...state, fdb: [ovsRow(more)] } });
  const written = { kind: 'ovs-fdb', bridge, mac, vlan: 0 };
  it('of an entry by hand: the ports that have it before and after', () => {
    expect(fdb('add')).toEqual([{ ...written, set: port, was: spare }]);
    expect(fdb('add', { vlan: null })).toEqual([{ ...written, set: port, was: spare }]);
    expect(fdb('del')).toEqual([{ ...written, set: null, was: spare }]);
    expect(fdb('add', { port: 'vnet4' })).toEqual([]);
    expect(fdb('add', { vlan: 5 }, 5)).toEqual([{ ...written, vlan: 5, set: port, was: spare }]);
  });
  it.each([{ vlan: 5 }, { master: 'br1' }, { mac: 'x' }, { state: 'dynamic' }])(
    'of an entry by hand: not the port of another entry, %j',
    (another) => {
      expect(fdb('add', another)).toEqual([{ ...written, set: port, was: null }]);
      expect(fdb('del', another)).toEqual([]);
    },
  );

  const rowOf = { bridge: ['Bridge', 'br0'], port: ['Port', 'vnet4'], spare: ['Port', 'spare'] };
  const vlan = { kind: 'vlan', act: 'add', self: false, entry: { port: 'vnet4', ...range(1) } } as const;
  const byHand = { kind: 'fdb', act: 'add', entry } as const;
  it.each<[KernelChange, readonly (readonly string[])[]]>([
    [{ kind: 'ovs-set', table: 'Bridge', device: 'br0', key: 'flood_vlans', value: 1 }, [rowOf.bridge]],
    [{ kind: 'ovs-set', table: 'Port', device: 'vnet4', key: 'flood', value: 1 }, [rowOf.port, rowOf.bridge]],
    [{ kind: 'mirror', bridge: 'br0', mirror: { name: 'a', select: 'all', output: 'x' } }, [rowOf.bridge]],
    [{ ...vlan, ovs: true }, [rowOf.port]],
    [vlan, []],
    [{ ...byHand, ovs: true }, [rowOf.bridge, rowOf.port, rowOf.spare]],
    [byHand, []],
    [{ kind: 'run', argv: [] }, []],
    [{ kind: 'fdb-flush', bridge: 'br0' }, []],
    [{ kind: 'sysctl', name: 'a', value: '' }, []],
  ])('takes rows that are known before: %j', (change, rows) => {
    const fdb = [ovsRow(), ovsRow({ state: 'dynamic', port: 'a' }), ovsRow({ mac: 'x', port: 'b' })];
    expect(ovsRowsOf(change, { ...state, fdb }, () => 'br0')).toEqual(rows);
  });
});

it('an interface is held by its index and that of its bridge', () => {
  expect([heldLink(state, 'vnet4'), heldLink(state, 'br0'), heldLink(state, 'if0').master]).toEqual([on, br0, 0]);
});
