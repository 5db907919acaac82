import { portVlans } from '../../../../../src/core/bridge/host.js';
import { describe, expect, it } from 'vitest';
import { fdbForm, mdbForm } from '../../../../../src/core/bridge/undo/decide-tables.js';
import { decideUndo } from '../../../../../src/core/bridge/undo/decide.js';
import type { FdbForm, FdbRow, UndoDecision, UndoEntry, UndoOf } from '../../../../../src/core/bridge/undo/entry.js';

const vlanRanges = (vlan: unknown, port: string) => portVlans({ vlan }, port)?.ranges;

const on = { name: 'vnet4', ifindex: 17, master: 3 };
const links = [
  { ifname: 'br0', ifindex: 3 },
  { ifname: 'vnet4', ifindex: 17, master: 'br0' },
  { ifname: 'vnet5', ifindex: 18, master: 'br0' },
];
const shown = (decision: UndoDecision): readonly string[] =>
  decision.kind === 'undo'
    ? decision.commands.map((command) => command.join(' '))
    : [decision.kind === 'left' ? `left: ${decision.why}` : 'done'];

type Range = UndoOf<'vlan'>['set'][number];
const range = (first: number, last = first, flags = ''): Range => ({
  first,
  last,
  pvid: flags.includes('p'),
  untagged: flags.includes('u'),
});

describe('VLANs that a run added or took away', () => {
  const now = (...vlans: readonly Range[]): unknown => [
    { ifname: 'vnet5', vlans: [{ vlan: 99, flags: [] }] },
    {
      ifname: 'vnet4',
      vlans: vlans.map(({ first, last, pvid, untagged }) => ({
        vlan: first,
        ...(last === first ? {} : { vlanEnd: last }),
        flags: [...(pvid ? ['PVID'] : []), ...(untagged ? ['Egress Untagged'] : [])],
      })),
    },
  ];
  const decide = (entry: Partial<UndoOf<'vlan'>>, vlan: unknown): readonly string[] =>
    shown(decideUndo({ kind: 'vlan', on, self: false, set: [], was: [], ...entry }, { links, vlan }));

  it('go where they were not', () => {
    const set = [range(10, 12)];
    expect(decide({ set }, now(range(1, 1, 'pu'), range(10, 12)))).toEqual(['bridge vlan del dev if17 vid 10-12']);
    expect(decide({ set, self: true }, now(range(10, 12)))).toEqual(['bridge vlan del dev if17 vid 10-12 self']);
    expect(decide({ set }, now(range(1, 1, 'pu')))).toEqual(['done']);
  });

  it('come back where they were, with their flags, the PVID last', () => {
    const was = [range(1, 1, 'pu'), range(10, 12, 'u'), range(13, 13)];
    expect(decide({ was }, now())).toEqual([
      'bridge vlan add dev if17 vid 10-12 untagged',
      'bridge vlan add dev if17 vid 13',
      'bridge vlan add dev if17 vid 1 pvid untagged',
    ]);
    expect(decide({ was }, now(...was))).toEqual(['done']);
    const two = { was: [range(1, 1, 'u'), range(2, 2, 'pu'), range(3, 3, 'u')] };
    expect(decide(two, now())).toEqual([
      'bridge vlan add dev if17 vid 1 untagged',
      'bridge vlan add dev if17 vid 3 untagged',
      'bridge vlan add dev if17 vid 2 pvid untagged',
    ]);
  });

  it('are undone one by one: what somebody else has set since is left, and only that', () => {
    const entry = { set: [range(10, 12)] };
    expect(decide(entry, now(range(10), range(11, 11, 'u'), range(12)))).toEqual([
      'bridge vlan del dev if17 vid 10',
      'bridge vlan del dev if17 vid 12',
    ]);
    expect(decide(entry, now(range(11, 11, 'pu')))).toEqual([
      'left: VLAN 11 of vnet4 is present pvid untagged, not what the run had set (present)',
    ]);
    expect(decide({ set: [range(1, 9)] }, now(range(1, 9, 'u')))[0]?.split(';')).toHaveLength(5);
  });

  it('of which the old PVID lost its flag get it back', () => {
    const entry = { set: [range(10, 10, 'pu'), range(1, 1, 'u')], was: [range(1, 1, 'pu')] };
    expect(decide(entry, now(range(1, 1, 'u'), range(10, 10, 'pu')))).toEqual([
      'bridge vlan del dev if17 vid 10',
      'bridge vlan add dev if17 vid 1 pvid untagged',
    ]);
  });

  it('are gone with the port', () => {
    const gone = decideUndo(
      { kind: 'vlan', on, self: false, set: [range(10)], was: [] },
      { links: [], vlan: now(range(10)) },
    );
    expect(gone).toEqual({ kind: 'done' });
  });

  it('are read of the port alone, and of what the kernel can have printed', () => {
    expect(vlanRanges(now(range(1, 4, 'pu')), 'vnet4')).toEqual([range(1, 4, 'pu')]);
    expect(
      vlanRanges([{ ifname: 'a', vlans: [{ vlan: 5, vlanEnd: 4 }, { vlan: 1, vlanEnd: 4096 }, {}] }], 'a'),
    ).toEqual([]);
    expect(vlanRanges([{ ifname: 'a', vlans: [{ vlan: 4095 }, { vlan: 1, vlanEnd: 4095 }] }], 'a')).toEqual([
      range(4095),
      range(1, 4095),
    ]);
    expect(vlanRanges([{ ifname: 'a', vlans: [{ vlan: 'x' }, { vlan: 1, vlanEnd: 'x' }] }], 'a')).toEqual([]);
  });
});

it('what is of a port is left where that is a port of another bridge by now', () => {
  const moved = [
    { ifname: 'br1', ifindex: 9 },
    { ...links[1], master: 'br1' },
  ];
  const why = 'vnet4 is no longer a port of the bridge that it was a port of';
  const mdb = { kind: 'mdb', bridge: { name: 'br1', ifindex: 9, master: 0 }, group: '239.1.1.1', vlan: null } as const;
  const entries: readonly UndoEntry[] = [
    { kind: 'vlan', on, self: false, set: [range(10)], was: [] },
    { kind: 'fdb', on, self: false, mac: '02:00:00:00:00:09', rows: [] },
    { ...mdb, on, set: null, was: 'temp' },
  ];
  for (const entry of entries) expect(decideUndo(entry, { links: moved })).toEqual({ kind: 'left', why });
  const under: UndoEntry = {
    ...mdb,
    on: { ...on, master: 9 },
    bridge: { ...mdb.bridge, master: 3 },
    set: null,
    was: 'temp',
  };
  expect(decideUndo(under, { links: moved })).toMatchObject({ kind: 'left' });
  expect(
    decideUndo({ kind: 'vlan', on, self: false, set: [], was: [] }, { links: [{ ...links[1], master: 'gone' }] }),
  ).toEqual({ kind: 'left', why });
});

it('VLANs are undone in their order, however they were written down', () => {
  const set = [range(12), range(10), range(11)];
  const vlan = [{ ifname: 'vnet4', vlans: [{ vlan: 10, vlanEnd: 12 }] }];
  expect(shown(decideUndo({ kind: 'vlan', on, self: false, set, was: [] }, { links, vlan }))).toEqual([
    'bridge vlan del dev if17 vid 10-12',
  ]);
});

const mac = '02:00:00:00:00:09';
const states: Readonly<Record<string, FdbForm['state']>> = { s: 'static', p: 'permanent', d: 'dynamic' };
const form = (text: string): FdbForm => ({ state: states[text.charAt(0)] ?? 'dynamic', sticky: text.endsWith('+') });
const rowOf = (vlan: number | null, set: string, was: string): FdbRow => ({
  vlan,
  set: set === '' ? null : form(set),
  was: was === '' ? null : form(was),
});

describe('an entry of the forwarding database', () => {
  const at = (text: string, vlan: number | null = null, port = 'vnet4', of = mac): object => ({
    mac: of,
    ifname: port,
    master: 'br0',
    state: text.startsWith('d') ? '' : form(text).state,
    flags: text.endsWith('+') ? ['sticky'] : [],
    ...(vlan === null ? {} : { vlan }),
  });
  const decide = (rows: readonly FdbRow[], fdb: unknown, self = false): readonly string[] =>
    shown(decideUndo({ kind: 'fdb', on, self, mac, rows }, { links, fdb }));

  it.each([
    [[rowOf(null, 's', '')], [at('s')], [`bridge fdb del ${mac} dev if17 master`]],
    [[rowOf(5, 's', '')], [at('s', 5)], [`bridge fdb del ${mac} dev if17 master vlan 5`]],
    [[rowOf(null, 's', 'd')], [at('s')], [`bridge fdb replace ${mac} dev if17 master dynamic`]],
    [[rowOf(null, '', 's+')], [], [`bridge fdb replace ${mac} dev if17 master static sticky`]],
  ])('goes where it was not, and comes back as it was: case %#', (of, mdb, expected) =>
    expect(decide(of, mdb)).toEqual(expected),
  );

  it.each([
    [[rowOf(null, 's', '')], [], ['done']],
    [[rowOf(null, 's', 'd')], [at('d')], ['done']],
    [[rowOf(null, 's', '')], [at('s', null, 'vnet4', '02:00:00:00:00:0a')], ['done']],
    [[rowOf(null, 's', '')], [at('s', 7)], ['done']],
  ])('is done where it is as it was: case %#', (of, mdb, expected) => expect(decide(of, mdb)).toEqual(expected));

  it('is left where it is another one by now, or has moved with its MAC', () => {
    const what = `left: the entry of ${mac}`;
    expect(decide([rowOf(null, 's', '')], [at('p')])).toEqual([
      `${what} on vnet4 is permanent, not what the run had set (static)`,
    ]);
    expect(decide([rowOf(4, 's', 'd')], [at('s+', 4)])).toEqual([
      `${what} in VLAN 4 on vnet4 is static sticky, not what the run had set (static)`,
    ]);
    expect(decide([rowOf(null, 's', 'd')], [at('s', null, 'vnet5')])).toEqual([`${what} on vnet4 is on vnet5 by now`]);
    expect(decide([rowOf(null, 's', 'd')], [at('d', null, 'vnet5')])).toEqual([
      `${what} on vnet4 is absent, not what the run had set (static)`,
    ]);
    expect(decide([rowOf(null, 's', 'd')], [])).toEqual([
      `${what} on vnet4 is absent, not what the run had set (static)`,
    ]);
  });

  it('that was learned may have aged', () => {
    expect(decide([rowOf(null, 'd', 's')], [])).toEqual(['done']);
    expect(decide([rowOf(null, 'd', 's')], [at('d', null, 'vnet5')])).toEqual(['done']);
  });

  it('without a VLAN is in each VLAN of the port: those that come back are set again, what is theirs is left', () => {
    const rows = [rowOf(null, 's', 'd'), rowOf(1, 's', ''), rowOf(20, 's', 's'), rowOf(30, 's', 'p')];
    const fdb = [at('s'), at('s', 1), at('s', 20), at('s', 30)];
    expect(decide(rows, fdb)).toEqual([
      `bridge fdb replace ${mac} dev if17 master dynamic`,
      `bridge fdb del ${mac} dev if17 master vlan 1`,
      `bridge fdb replace ${mac} dev if17 master static vlan 20`,
      `bridge fdb replace ${mac} dev if17 master permanent vlan 30`,
    ]);
    expect(
      decide([rowOf(null, 's', ''), rowOf(1, 's', ''), rowOf(20, 's', '')], [at('s'), at('s', 1), at('p', 20)]),
    ).toEqual([`bridge fdb del ${mac} dev if17 master`, `bridge fdb replace ${mac} dev if17 master permanent vlan 20`]);
    expect(decide([rowOf(null, 's', 's'), rowOf(1, 's', '')], [at('s'), at('s', 1)])).toEqual([
      `bridge fdb del ${mac} dev if17 master vlan 1`,
    ]);
    expect(
      decide(
        Array.from({ length: 9 }, (_, vid) => rowOf(vid, 's', '')),
        Array.from({ length: 9 }, (_, vid) => at('p', vid)),
      )[0]?.split(';'),
    ).toHaveLength(5);
  });

  it('of the device itself is told from that of the bridge', () => {
    const ownEntry = { mac, ifname: 'vnet4', state: 'permanent', flags: ['self'] };
    expect(decide([rowOf(null, 'p', '')], [at('s'), ownEntry], true)).toEqual([`bridge fdb del ${mac} dev if17 self`]);
    expect(decide([rowOf(null, 'p', '')], [at('p')], true)).toEqual([`bridge fdb del ${mac} dev if17 self`]);
    expect(decide([rowOf(null, 's', '')], [ownEntry])).toEqual(['done']);
    expect(decide([rowOf(null, 'p', 's')], [at('s', null, 'vnet5')], true)).toEqual([
      `left: the entry of ${mac} on vnet4 is absent, not what the run had set (permanent)`,
    ]);
  });

  it('of a bridge itself is in its own table', () => {
    const bridge = { name: 'br0', ifindex: 3, master: 0 };
    const entry = { kind: 'fdb', on: bridge, self: false, mac, rows: [rowOf(null, 'p', '')] } as const;
    const fdb = [{ mac, ifname: 'br0', master: 'br0', state: 'permanent', flags: [] }];
    expect(shown(decideUndo(entry, { links, fdb }))).toEqual([`bridge fdb del ${mac} dev if3 master`]);
    expect(shown(decideUndo(entry, { links: [], fdb }))).toEqual(['done']);
  });

  it('is dynamic where the kernel prints neither static nor permanent', () => {
    expect([{}, { state: 'stale' }, { state: 'static', flags: ['sticky'] }].map(fdbForm)).toEqual([
      { state: 'dynamic', sticky: false },
      { state: 'dynamic', sticky: false },
      { state: 'static', sticky: true },
    ]);
  });
});

describe('a member of a group', () => {
  const bridge = { name: 'br0', ifindex: 3, master: 0 };
  const entry: UndoOf<'mdb'> = { kind: 'mdb', on, bridge, group: '239.1.1.1', vlan: null, set: 'permanent', was: null };
  const at = (state: string, more: object = {}): unknown => [
    { mdb: [{ dev: 'br1', port: 'vnet4', grp: '239.1.1.1', state: 'temp' }] },
    { mdb: [{ dev: 'br0', port: 'vnet4', grp: '239.1.1.1', state, ...more }] },
  ];
  const decide = (of: Partial<UndoOf<'mdb'>>, mdb: unknown, now: unknown = links): readonly string[] =>
    shown(decideUndo({ ...entry, ...of }, { links: now, mdb }));

  it.each<[Partial<UndoOf<'mdb'>>, unknown, readonly string[]]>([
    [{}, at('permanent'), ['bridge mdb del dev if3 port if17 grp 239.1.1.1']],
    [{ vlan: 5 }, at('permanent', { vid: 5 }), ['bridge mdb del dev if3 port if17 grp 239.1.1.1 vid 5']],
    [{ set: null, was: 'temp' }, [], ['bridge mdb add dev if3 port if17 grp 239.1.1.1 temp']],
    [{ set: null, was: 'permanent', vlan: 5 }, [], ['bridge mdb add dev if3 port if17 grp 239.1.1.1 permanent vid 5']],
  ])('goes where it was not, and comes back as it was: case %#', (of, mdb, expected) =>
    expect(decide(of, mdb)).toEqual(expected),
  );

  it('is done where it is as it was, and gone with its port or its bridge', () => {
    expect(decide({}, [])).toEqual(['done']);
    expect(decide({ vlan: 5 }, at('permanent'))).toEqual(['done']);
    expect(decide({}, at('permanent', { port: 'vnet5' }))).toEqual(['done']);
    expect(decide({}, at('permanent', { grp: '239.1.1.2' }))).toEqual(['done']);
    expect(decide({}, at('permanent'), links.slice(0, 1))).toEqual(['done']);
    expect(decide({ on: bridge }, at('permanent'), [])).toEqual(['done']);
    expect(decide({ bridge: { ...bridge, ifindex: 99 } }, at('permanent'))).toEqual(['done']);
  });

  it.each<[Partial<UndoOf<'mdb'>>, unknown, readonly string[]]>([
    [{}, at('temp'), ['left: the member vnet4 of 239.1.1.1 is temp, not what the run had set (permanent)']],
    [{ was: 'temp' }, [], ['left: the member vnet4 of 239.1.1.1 is absent, not what the run had set (permanent)']],
    [
      { set: null, was: 'temp' },
      at('permanent'),
      ['left: the member vnet4 of 239.1.1.1 is permanent, not what the run had set (absent)'],
    ],
  ])('is left where it is another kind of member by now: case %#', (of, mdb, expected) =>
    expect(decide(of, mdb)).toEqual(expected),
  );

  it('is found by bridge, port, group and VLAN', () => {
    const of = { bridge: 'br0', port: 'vnet4', group: '239.1.1.1', vlan: null };
    expect([mdbForm(at('permanent'), of), mdbForm(at('temp'), of), mdbForm([], of)]).toEqual([
      'permanent',
      'temp',
      null,
    ]);
    expect(mdbForm(at('temp'), { ...of, vlan: 7 })).toBeNull();
  });
});
