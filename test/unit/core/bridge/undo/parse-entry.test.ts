import { describe, expect, it } from 'vitest';
import type { UndoEntry } from '../../../../../src/core/bridge/undo/entry.js';
import { isOfOvs } from '../../../../../src/core/bridge/undo/entry.js';
import { parseUndoEntry } from '../../../../../src/core/bridge/undo/parse-entry.js';

const on = { name: 'vnet4', ifindex: 17, master: 3 };
const row = { uuid: '0a1b2c3d-0000-4000-8000-000000000001', name: 'vnet4' };
const form = { state: 'static', sticky: true } as const;
const vid = { first: 1, last: 4095, pvid: true, untagged: false };
const mac = '02:00:00:00:00:0a';

const good: { readonly [K in UndoEntry['kind']]: Extract<UndoEntry, { kind: K }> } = {
  interface: { kind: 'interface', name: 'vi01-0', ifindex: 0x7fff_ffff },
  setting: { kind: 'setting', on, place: 'port', key: 'flood', set: false, was: 'on' },
  sysctl: { kind: 'sysctl', on: null, name: 'net.ipv4.conf.eth0/1.rp_filter', set: '1', was: '4 4 1 7' },
  vlan: { kind: 'vlan', on, self: true, set: [], was: [vid] },
  fdb: {
    kind: 'fdb',
    on,
    self: false,
    mac,
    rows: [
      { vlan: null, set: form, was: null },
      { vlan: 4095, set: null, was: { state: 'dynamic', sticky: false } },
    ],
  },
  mdb: { kind: 'mdb', on, bridge: { ...on, master: 0 }, group: 'ff02::1:2', vlan: 0, set: 'temp', was: null },
  'ovs-column': { kind: 'ovs-column', table: 'Port', on: row, key: 'trunks', set: '[0, 10]', was: '' },
  'ovs-flood': { kind: 'ovs-flood', on: row, bridge: row, set: 'on', was: 'off' },
  'ovs-vlan': { kind: 'ovs-vlan', on: row, set: { tag: '10', trunks: '[]' }, was: { tag: '[]', trunks: '[1, 2]' } },
  'ovs-fdb': { kind: 'ovs-fdb', bridge: row, mac, vlan: 0, set: row, was: null },
  'ovs-mirror': { kind: 'ovs-mirror', bridge: row, mirror: 'my tap', runId: '01-ab_Z' },
};

describe('a line of a journal', () => {
  it.each(Object.values(good))('is taken as it was written: $kind', (entry) => {
    expect(parseUndoEntry(JSON.parse(JSON.stringify(entry)))).toEqual(entry);
    expect(isOfOvs(entry)).toBe(/^ovs/.test(entry.kind));
  });

  it.each(Object.values(good))('has no word more or less: $kind', (entry) => {
    expect(parseUndoEntry({ ...entry, command: ['sh', '-c', 'true'] })).toBeNull();
    for (const key of Object.keys(entry))
      expect(parseUndoEntry(Object.fromEntries(Object.entries(entry).filter(([name]) => name !== key)))).toBeNull();
  });

  const { setting, sysctl, vlan, fdb, mdb } = good;
  const [column, mirror] = [good['ovs-column'], good['ovs-mirror']];
  const map = { ...column, key: 'other_config:a-b' };
  it('may name a key of a map, or any setting of its place', () => {
    for (const entry of [
      map,
      { ...map, key: 'other_config:a:b' },
      { ...map, key: `other_config:${'a'.repeat(64)}` },
      { ...column, table: 'Bridge', key: 'flood_vlans' },
      { ...setting, place: 'bridge', key: 'ageing_time' },
      { ...setting, place: 'link', key: 'mtu' },
      { ...setting, set: 7, was: 'x'.repeat(255) },
      { ...good.interface, name: 'x'.repeat(15) },
      { ...fdb, rows: [] },
      { ...mdb, group: '1.' },
      { ...sysctl, on },
      { ...column, set: 'x'.repeat(4096) },
      { ...mirror, runId: 'a'.repeat(64) },
      { ...vlan, was: Array(4096).fill(vid) },
      { ...good['ovs-flood'], on: { ...row, name: 'x'.repeat(255) } },
    ])
      expect([entry, parseUndoEntry(entry)]).toEqual([entry, entry]);
  });

  const bad: Readonly<Record<string, unknown>> = {
    'a command of version 0.1': { command: ['sh', '-c', 'touch /tmp/x'], gone: true },
    'no kind that there is': { ...setting, kind: 'run' },
    nothing: null,
    'a list': [good.setting],
    'a setting that there is none of': { ...setting, key: 'type' },
    'a setting of another place': { ...setting, place: 'bridge' },
    'another place': { ...setting, place: 'x' },
    'a value that is a list': { ...setting, was: ['on'] },
    'a value that is too long': { ...setting, set: 'x'.repeat(256) },
    'an index of 0': { ...setting, on: { ...on, ifindex: 0 } },
    'an index that is no number': { ...setting, on: { ...on, ifindex: '17' } },
    'an index that the kernel has not': { ...setting, on: { ...on, ifindex: 2 ** 31 } },
    'a bridge below 0': { ...setting, on: { ...on, master: -1 } },
    'a bridge that the kernel has not': { ...setting, on: { ...on, master: 2 ** 31 } },
    'an interface without a name': { ...setting, on: { ...on, name: '' } },
    'an interface with too long a name': { ...setting, on: { ...on, name: 'x'.repeat(16) } },
    'a made interface that is a path': { ...good.interface, name: 'a/b' },
    'a made interface that is an option': { ...good.interface, name: '-a' },
    'a made interface with a blank': { ...good.interface, name: 'a b' },
    'a made interface with a colon': { ...good.interface, name: 'a:b' },
    'a made interface without a name': { ...good.interface, name: '' },
    'a made interface with too long a name': { ...good.interface, name: 'x'.repeat(16) },
    'a sysctl of the whole machine': { ...sysctl, name: 'kernel.core_pattern' },
    'a sysctl above its folder': { ...sysctl, name: 'net...kernel.core_pattern' },
    'a sysctl with a blank': { ...sysctl, name: 'net.a b' },
    'a sysctl with a value in its name': { ...sysctl, name: 'net.a=b' },
    'a sysctl within another word': { ...sysctl, name: 'x net.a' },
    'a sysctl with too long a name': { ...sysctl, name: `net.${'x'.repeat(252)}` },
    'a value of two lines': { ...sysctl, was: 'a\nb' },
    'a value with a NUL': { ...sysctl, set: 'a\0b' },
    'a value that is longer than a line': { ...sysctl, set: 'x'.repeat(4097) },
    'a VLAN that there is none of': { ...vlan, was: [{ ...vid, last: 4096 }] },
    'a VLAN below 0': { ...vlan, was: [{ ...vid, first: -1 }] },
    'a range that ends before it begins': { ...vlan, set: [{ ...vid, first: 5, last: 4 }] },
    'a range with another word': { ...vlan, set: [{ ...vid, x: 1 }] },
    'too many ranges': { ...vlan, set: Array(4097).fill(vid) },
    'a MAC in capitals': { ...fdb, mac: '02:00:00:00:00:0A' },
    'a MAC that is longer': { ...fdb, mac: `${mac}:00` },
    'a MAC with something before it': { ...fdb, mac: `x${mac}` },
    'an entry of another kind': { ...fdb, rows: [{ vlan: null, set: { ...form, state: 'x' }, was: null }] },
    'an entry with another word': { ...fdb, rows: [{ vlan: null, set: { ...form, x: 1 }, was: null }] },
    'a row with another word': { ...fdb, rows: [{ vlan: null, set: null, was: null, x: 1 }] },
    'too many rows': { ...fdb, rows: Array(4097).fill({ vlan: null, set: null, was: null }) },
    'a group that is no address': { ...mdb, group: '239.1.1.1 dev' },
    'a group with something before it': { ...mdb, group: 'x239.1.1.1' },
    'a group of one digit': { ...mdb, group: '1' },
    'a group that is too long': { ...mdb, group: '1'.repeat(46) },
    'a member of another kind': { ...mdb, set: 'x' },
    'an interface with another word': { ...mdb, bridge: { ...on, x: 1 } },
    'a column that no run sets': { ...column, key: 'interfaces' },
    'a column of the other table': { ...column, key: 'fail_mode' },
    'another table': { ...column, table: 'Open_vSwitch' },
    'a key of what is no map': { ...column, key: 'trunks:a' },
    'a whole map': { ...column, key: 'other_config' },
    'a key with a value': { ...map, key: 'other_config:a=b' },
    'a key with a comma': { ...map, key: 'other_config:a,b' },
    'a key with a quote': { ...map, key: 'other_config:a"b' },
    'a key with a blank': { ...map, key: 'other_config:a b' },
    'an empty key': { ...map, key: 'other_config:' },
    'a key that is too long': { ...map, key: `other_config:${'a'.repeat(65)}` },
    'a row that is named, not numbered': { ...column, on: { ...row, uuid: 'vnet4' } },
    'a row with something before it': { ...column, on: { ...row, uuid: `x${row.uuid}` } },
    'a row with something after it': { ...column, on: { ...row, uuid: `${row.uuid} --` } },
    'a row of a database with another word': { ...column, on: { ...row, x: 1 } },
    'a row without a name': { ...column, on: { ...row, name: '' } },
    'a row with too long a name': { ...column, on: { ...row, name: 'x'.repeat(256) } },
    'a flood that is neither': { ...good['ovs-flood'], was: 'true' },
    'VLANs with another word': { ...good['ovs-vlan'], set: { tag: '', trunks: '', x: '' } },
    'a run that is none': { ...mirror, runId: 'a b' },
    'a run with something after it': { ...mirror, runId: 'a\nb' },
    'a run of no name': { ...mirror, runId: '' },
    'a run of too long a name': { ...mirror, runId: 'a'.repeat(65) },
  };
  it.each(Object.entries(bad))('is nothing that a run could have written: %s', (_what, line) => {
    expect(parseUndoEntry(line)).toBeNull();
  });
});
