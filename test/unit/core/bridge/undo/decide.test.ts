import { describe, expect, it } from 'vitest';
import { decideUndo } from '../../../../../src/core/bridge/undo/decide.js';
import type { HeldLink, UndoOf } from '../../../../../src/core/bridge/undo/entry.js';

const on: HeldLink = { name: 'vnet4', ifindex: 17, master: 3 };
const flood: UndoOf<'setting'> = { kind: 'setting', on, place: 'port', key: 'flood', set: false, was: true };
const port = (
  of: { name?: string; ifindex?: number; master?: string; flood?: boolean; mtu?: number } = {},
): object => ({
  ifname: of.name ?? 'vnet4',
  ifindex: of.ifindex ?? 17,
  mtu: of.mtu ?? 1500,
  ...(of.master === '' ? {} : { master: of.master ?? 'br0' }),
  linkinfo: { info_slave_data: { flood: of.flood ?? false } },
});
const bridge = { ifname: 'br0', ifindex: 3, linkinfo: { info_data: { ageing_time: 0 } } };

describe('a setting of a run', () => {
  it('is put back by the index of the interface, whatever it is called by now', () => {
    for (const name of ['vnet4', 'renamed'])
      expect(decideUndo(flood, { links: [bridge, port({ name })] })).toEqual({
        kind: 'undo',
        commands: [['ip', 'link', 'set', 'dev', 'if17', 'type', 'bridge_slave', 'flood', 'on']],
      });
  });

  it('is gone with its interface: another of the name is not touched', () => {
    expect(decideUndo(flood, { links: [bridge, port({ ifindex: 18 })] })).toEqual({ kind: 'done' });
    expect(decideUndo(flood, { links: [] })).toEqual({ kind: 'done' });
  });

  it('is left where the interface is a port of another bridge, or of none', () => {
    const otherBridge = { ifname: 'br1', ifindex: 4 };
    for (const master of ['br1', ''])
      expect(decideUndo(flood, { links: [bridge, otherBridge, port({ master })] })).toEqual({
        kind: 'left',
        why: 'vnet4 is no longer a port of the bridge that it was a port of',
      });
    const free: UndoOf<'setting'> = {
      ...flood,
      on: { ...on, master: 0 },
      place: 'link',
      key: 'mtu',
      set: 1400,
      was: 1500,
    };
    expect(decideUndo(free, { links: [bridge, port({ mtu: 1400 })] })).toEqual({
      kind: 'left',
      why: 'vnet4 is no longer without a bridge',
    });
    expect(decideUndo(free, { links: [bridge, port({ master: '', mtu: 1400 })] })).toEqual({
      kind: 'undo',
      commands: [['ip', 'link', 'set', 'dev', 'if17', 'mtu', '1500']],
    });
  });

  it('is done where it is as it was', () => {
    expect(decideUndo(flood, { links: [bridge, port({ flood: true })] })).toEqual({ kind: 'done' });
  });

  it('is left where it is neither as set nor as it was, and both are told', () => {
    const mtu: UndoOf<'setting'> = { ...flood, place: 'link', key: 'mtu', set: 1400, was: 1500 };
    expect(decideUndo(mtu, { links: [bridge, port({ mtu: 1300 })] })).toEqual({
      kind: 'left',
      why: 'mtu of vnet4 is 1300, not what the run had set (1400)',
    });
  });

  it('is left where the kernel does not tell it any more', () => {
    expect(decideUndo({ ...flood, key: 'isolated' }, { links: [bridge, port()] })).toEqual({
      kind: 'left',
      why: 'the kernel no longer reports isolated of vnet4',
    });
  });

  it('is of a bridge too, in whichever spelling', () => {
    const ageing: UndoOf<'setting'> = {
      kind: 'setting',
      on: { name: 'br0', ifindex: 3, master: 0 },
      place: 'bridge',
      key: 'ageing_time',
      set: '0',
      was: 30000,
    };
    expect(decideUndo(ageing, { links: [bridge] })).toEqual({
      kind: 'undo',
      commands: [['ip', 'link', 'set', 'dev', 'if3', 'type', 'bridge', 'ageing_time', '30000']],
    });
  });

  it('is left where another interface carries the index as its name, which iproute2 takes first', () => {
    const links = [bridge, port(), { ifname: 'if17', ifindex: 99 }];
    const why = 'another interface is called if17';
    expect(decideUndo(flood, { links })).toEqual({ kind: 'left', why });
    expect(decideUndo({ kind: 'interface', name: 'vnet4', ifindex: 17 }, { links })).toEqual({ kind: 'left', why });
  });
});

describe('an interface that a run made', () => {
  const made: UndoOf<'interface'> = { kind: 'interface', name: 'vi01-0', ifindex: 17 };
  it('is removed by the index that the run chose, and only under its name', () => {
    expect(decideUndo(made, { links: [port({ name: 'vi01-0' })] })).toEqual({
      kind: 'undo',
      commands: [['ip', 'link', 'del', 'dev', 'if17']],
    });
    expect(decideUndo(made, { links: [port({ name: 'vi01-0', ifindex: 18 })] })).toEqual({ kind: 'done' });
    expect(decideUndo(made, { links: [port()] })).toEqual({
      kind: 'left',
      why: 'the interface 17 is vnet4, not vi01-0',
    });
  });
});

describe('a sysctl', () => {
  const plain: UndoOf<'sysctl'> = { kind: 'sysctl', on: null, name: 'net.ipv4.ip_forward', set: '1', was: '0' };
  const ownSysctl: UndoOf<'sysctl'> = { ...plain, on, name: 'net.ipv4.conf.vnet4.rp_filter' };
  it('is put back where it is as the run has set it', () => {
    const undone = { kind: 'undo', commands: [['sysctl', '-w', 'net.ipv4.ip_forward=0']] };
    expect(decideUndo(plain, { links: [], sysctl: '1' })).toEqual(undone);
    expect(decideUndo(plain, { links: [], sysctl: '0' })).toEqual({ kind: 'done' });
    expect(decideUndo(plain, { links: [] })).toEqual({ kind: 'done' });
    expect(decideUndo(plain, { links: [], sysctl: '' })).toEqual({
      kind: 'left',
      why: 'net.ipv4.ip_forward is nothing, not what the run had set (1)',
    });
  });

  it('goes by the name of an interface, which has to be the same one, under the same name', () => {
    expect(decideUndo(ownSysctl, { links: [bridge, port()], sysctl: '1' })).toEqual({
      kind: 'undo',
      commands: [['sysctl', '-w', 'net.ipv4.conf.vnet4.rp_filter=0']],
    });
    expect(decideUndo(ownSysctl, { links: [bridge, port({ ifindex: 18 })], sysctl: '1' })).toEqual({ kind: 'done' });
    expect(decideUndo(ownSysctl, { links: [bridge, port({ name: 'renamed' })], sysctl: '1' })).toEqual({
      kind: 'left',
      why: 'vnet4 is called renamed by now',
    });
  });
});
