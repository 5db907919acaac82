import { describe, expect, it } from 'vitest';
import { ovsMembers, ovsVlanText } from '../../../../../src/core/bridge/undo/decide-ovs.js';
import { decideUndo } from '../../../../../src/core/bridge/undo/decide.js';
import type { OvsPresent, UndoEntry, UndoOf } from '../../../../../src/core/bridge/undo/entry.js';

const uuid = (digit: number): string => `00000000-0000-4000-8000-00000000000${digit}`;
const [on, bridge, spare] = [1, 2, 3].map((digit) => ({
  uuid: uuid(digit),
  name: ['vnet4', 'br0', 'spare'][digit - 1] ?? '',
}));
if (on === undefined || bridge === undefined || spare === undefined) throw new Error('three rows');
const usual: OvsPresent = { on: 'vnet4', bridge: 'br0', value: '', handle: '7', wasOn: null };
const decide = (entry: UndoEntry, ovs: Partial<OvsPresent>): readonly string[] => {
  const decision = decideUndo(entry, { links: [], ovs: { ...usual, ...ovs } });
  if (decision.kind === 'undo') return decision.commands.map((command) => command.join(' '));
  return [decision.kind === 'left' ? `left: ${decision.why}` : 'done'];
};

describe('of Open vSwitch', () => {
  const column: UndoOf<'ovs-column'> = {
    kind: 'ovs-column',
    table: 'Port',
    on,
    key: 'trunks',
    set: '40',
    was: '[0, 10]',
  };
  const key: UndoOf<'ovs-column'> = { ...column, table: 'Bridge', key: 'other_config:a', set: '1', was: '' };

  it.each([
    [column, { value: '[40]' }, [`ovs-vsctl set Port ${uuid(1)} trunks=[0, 10]`]],
    [column, { value: '[10, 0]' }, ['done']],
    [column, { value: '[40]', on: null }, ['done']],
    [column, { value: '[50]' }, ['left: trunks of vnet4 is [50], not what the run had set (40)']],
    [{ ...column, set: '' }, { value: '1' }, ['left: trunks of vnet4 is 1, not what the run had set (nothing)']],
  ])('a column goes back by the _uuid of its row, where it is as the run has set it: case %#', (entry, ovs, expected) =>
    expect(decide(entry, ovs)).toEqual(expected),
  );

  it.each([
    [key, { value: '"1"' }, [`ovs-vsctl remove Bridge ${uuid(1)} other_config a`]],
    [{ ...key, was: '"2"' }, { value: '"1"' }, [`ovs-vsctl set Bridge ${uuid(1)} other_config:a="2"`]],
    [{ ...key, key: 'other_config:a:b' }, { value: '1' }, [`ovs-vsctl remove Bridge ${uuid(1)} other_config a:b`]],
    [{ ...column, was: '' }, { value: '40' }, [`ovs-vsctl set Port ${uuid(1)} trunks=`]],
  ])('a key of a map that was not there is removed; one that was gets its value: case %#', (entry, ovs, expected) =>
    expect(decide(entry, ovs)).toEqual(expected),
  );

  it('whether floods leave through a port goes back by its number', () => {
    const flood: UndoOf<'ovs-flood'> = { kind: 'ovs-flood', on, bridge, set: 'off', was: 'on' };
    expect(decide(flood, { value: 'off' })).toEqual(['ovs-ofctl -- mod-port br0 7 flood']);
    expect(decide({ ...flood, set: 'on', was: 'off' }, { value: 'on' })).toEqual([
      'ovs-ofctl -- mod-port br0 7 no-flood',
    ]);
    expect(decide(flood, { value: 'on' })).toEqual(['done']);
    expect(decide(flood, { value: 'off', on: null })).toEqual(['done']);
    expect(decide(flood, { value: 'off', bridge: null })).toEqual(['done']);
    expect(decide(flood, { value: 'x' })).toEqual(['left: flood of vnet4 is x, not what the run had set (off)']);
  });

  it('the VLANs of a port go back together', () => {
    const vlans: UndoOf<'ovs-vlan'> = {
      kind: 'ovs-vlan',
      on,
      set: { tag: '10', trunks: '[20,21]' },
      was: { tag: '[]', trunks: '[30]' },
    };
    const now = (tag: string, trunks: string): string => ovsVlanText({ tag, trunks });
    expect(decide(vlans, { value: now('10', '[21, 20]') })).toEqual([
      `ovs-vsctl set Port ${uuid(1)} tag=[] trunks=[30]`,
    ]);
    expect(decide(vlans, { value: now('[]', '[30]') })).toEqual(['done']);
    expect(decide(vlans, { value: now('10', '20'), on: null })).toEqual(['done']);
    expect(decide(vlans, { value: now('11', '[20, 21]') })).toEqual([
      'left: the VLANs of vnet4 is tag=11 trunks=20,21, not what the run had set (tag=10 trunks=20,21)',
    ]);
  });

  it('an entry by hand goes back to its port, and is left on a third', () => {
    const entry: UndoOf<'ovs-fdb'> = {
      kind: 'ovs-fdb',
      bridge,
      mac: '02:00:00:00:00:09',
      vlan: 5,
      set: spare,
      was: on,
    };
    const what = 'left: the entry of 02:00:00:00:00:09 in VLAN 5 of br1';
    const br1 = { bridge: 'br1', wasOn: 'vnet9' }; // they are called so by now
    expect(decide(entry, { ...br1, value: uuid(3) })).toEqual(['ovs-appctl fdb/add br1 vnet9 5 02:00:00:00:00:09']);
    // Open vSwitch itself has forgotten it: nobody else has one there
    expect(decide(entry, { ...br1, value: '' })).toEqual(['ovs-appctl fdb/add br1 vnet9 5 02:00:00:00:00:09']);
    expect(decide(entry, { ...br1, value: uuid(1) })).toEqual(['done']);
    expect(decide(entry, { ...br1, bridge: null, value: uuid(3) })).toEqual(['done']);
    expect(decide(entry, { ...br1, value: 'other' })).toEqual([`${what} is on another port by now`]);
    expect(decide(entry, { ...br1, wasOn: null, value: uuid(3) })).toEqual([
      `${what} cannot go back to vnet4, which is gone`,
    ]);
    expect(decide({ ...entry, was: null }, { ...br1, value: uuid(3) })).toEqual([
      'ovs-appctl fdb/del br1 5 02:00:00:00:00:09',
    ]);
    expect(decide({ ...entry, was: null }, { ...br1, value: '' })).toEqual(['done']);
  });

  it('a mirror selects nothing any more before it goes: what is cached would be mirrored on', () => {
    const mirror: UndoOf<'ovs-mirror'> = { kind: 'ovs-mirror', bridge, mirror: 'tap', runId: 'r' };
    expect(decide(mirror, { handle: uuid(9) })).toEqual([
      `ovs-vsctl set Mirror ${uuid(9)} select_all=false -- clear Mirror ${uuid(9)} select_src_port select_dst_port select_vlan`,
      `ovs-vsctl remove Bridge ${uuid(2)} mirrors ${uuid(9)}`,
    ]);
    expect(decide(mirror, { handle: '' })).toEqual(['done']);
    expect(decide(mirror, { handle: uuid(9), bridge: null })).toEqual(['done']);
  });

  it('nothing is undone unread', () => {
    expect(decideUndo(column, { links: [] })).toEqual({ kind: 'left', why: 'Open vSwitch says nothing' });
  });

  it('values have one spelling', () => {
    expect(['10,20', '[20, 10]', '["10", "20"]', '{10,\n20}'].map(ovsMembers)).toEqual(Array(4).fill('10,20'));
  });
});
