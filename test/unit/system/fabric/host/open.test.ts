import { linkState } from '../../../../support/link-state.js';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../../../support/refusal.js';
import type { UndoEntry } from '../../../../../src/core/bridge/undo/entry.js';
import { plainGuest } from '../../../../../src/core/scenario/plain-steps.js';
import type { Endpoint } from '../../../../../src/core/model/scenario.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { otherEndOf, unlessUnsupported } from '../../../../../src/system/fabric/host/injection-ports.js';
import {
  askedBefore,
  bridgeLookup,
  closeHost,
  forwardingPorts,
  hasFlows,
  ownPortOf,
  refuseReplaced,
} from '../../../../../src/system/fabric/host/open.js';

const links = [linkState('br0', 1), linkState('vnet0', 2, 'br0'), linkState('eth0', 3)];
const state: HostState = {
  links,
  fdb: [],
  vlan: [],
  mdb: [],
  tc: [],
  nft: null,
  sysctl: {},
  drops: null,
  programs: null,
  unread: [],
};
const endpoint = (name: string, more: Partial<Endpoint>): Endpoint => ({
  ...plainGuest,
  name,
  bridge: 'br0',
  port: name,
  macs: [],
  ...more,
});

describe('what a run on a host knows of its ports', () => {
  it('a port is on the bridge that it was found on, anything else on itself', () => {
    expect(['vnet0', 'eth0', 'br0', 'gone'].map(bridgeLookup(state))).toEqual(['br0', 'eth0', 'br0', 'gone']);
  });

  it('an endpoint has a port where it is on one of its own', () => {
    expect(ownPortOf({ attach: 'port', port: 'vnet0' })).toBe('vnet0');
    expect(ownPortOf({ attach: 'port', port: null })).toBeNull();
    expect(ownPortOf({ attach: 'host', port: 'vnet0' })).toBeNull();
    expect(ownPortOf({ attach: 'promiscuous', port: 'vnet0' })).toBeNull();
  });

  it('ports of guests that run have to forward, and no other', () => {
    const endpoints = [
      endpoint('a', {}),
      endpoint('b', { started: false }),
      endpoint('c', { attach: 'host' }),
      endpoint('d', { port: null }),
      endpoint('e', {}),
    ];
    expect(forwardingPorts({ endpoints })).toEqual(['a', 'e']);
  });

  it('flows are kept where one of the bridges is of Open vSwitch', () => {
    const bridge = (kind: 'linux' | 'ovs') => ({
      name: 'br0',
      kind,
      datapath: null,
      settings: {},
      addresses: [],
      vlans: [],
      mirrors: [],
      netns: null,
    });
    expect(hasFlows({ bridges: [bridge('linux'), bridge('ovs')] })).toBe(true);
    expect(hasFlows({ bridges: [bridge('linux'), bridge('linux')] })).toBe(false);
    expect(hasFlows({ bridges: [] })).toBe(false);
  });
});

describe('what is read before a change', () => {
  const nothing = { link: null, vlans: null, ovsVlans: null, ovs: null };
  const entry = { port: 'vnet0', first: 5, last: 5, pvid: false, untagged: false };

  it('of a setting: its interface', () => {
    expect(askedBefore({ kind: 'set', device: 'vnet0', place: 'link', key: 'mtu', value: 1400 })).toEqual({
      ...nothing,
      link: 'vnet0',
    });
  });

  it('of a VLAN: those of its port, of the kernel or of Open vSwitch', () => {
    expect(askedBefore({ kind: 'vlan', act: 'add', entry, self: false })).toEqual({ ...nothing, vlans: 'vnet0' });
    expect(askedBefore({ kind: 'vlan', act: 'add', entry, self: false, ovs: true })).toEqual({
      ...nothing,
      ovsVlans: 'vnet0',
    });
  });

  it('of a column of Open vSwitch: that', () => {
    const change = { kind: 'ovs-set', table: 'Port', device: 'vnet0', key: 'protected', value: true } as const;
    expect(askedBefore(change)).toEqual({ ...nothing, ovs: change });
  });

  it('of anything else nothing', () => {
    expect(askedBefore({ kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' })).toEqual(nothing);
  });
});

describe('an interface that has got the name of another since', () => {
  const setting = (name: string, ifindex: number): UndoEntry => ({
    kind: 'setting',
    on: { name, ifindex, master: 1 },
    place: 'port',
    key: 'flood',
    set: false,
    was: true,
  });
  const refused = (entries: readonly UndoEntry[]): string => refusal(() => refuseReplaced(entries, { links }));

  it('is not changed, wherever it stands among others', () => {
    const why = 'interface-gone 69 "vnet0" is another interface than the one that was found';
    expect(refused([setting('vnet0', 7)])).toBe(why);
    expect(refused([setting('eth0', 3), setting('vnet0', 7)])).toBe(why);
  });

  it('is none where the index is the same, where it was not found, or where there is no interface', () => {
    const sysctl: UndoEntry = { kind: 'sysctl', on: null, name: 'net.a', set: '1', was: '0' };
    expect(refused([setting('vnet0', 2), setting('new0', 99), sysctl])).toBe('nothing was thrown');
  });
});

describe('what is put back', () => {
  const refusing = (error: Error) => async (): Promise<void> => {
    throw error;
  };
  const ways = (): { readonly close: () => Promise<readonly string[]>; readonly closed: () => number } => {
    let closed = 0;
    return {
      closed: () => closed,
      close: async () => {
        closed += 1;
        return ['the interface vi0-0'];
      },
    };
  };

  it('is so also where the MACs that the run invented cannot be taken away, which is said', async () => {
    const opened = ways();
    const gone = new VerifyError('command-failed', 3, 'bridge fdb failed', 'look');
    expect(await closeHost(refusing(gone), opened)).toEqual([
      "MACs that the run invented, in the bridges' tables until they age: bridge fdb failed",
      'the interface vi0-0',
    ]);
    const fault = new TypeError('a fault of the program');
    await expect(closeHost(refusing(fault), opened)).rejects.toBe(fault);
    expect(opened.closed()).toBe(2);
  });

  it('is so without a word where they can be', async () => {
    expect(await closeHost(async () => undefined, ways())).toEqual(['the interface vi0-0']);
  });
});

describe("the other end of a port's veth pair", () => {
  const port = { ifindex: 7, peer: 2 };
  const end = { name: 'eth0', ifindex: 2, kind: 'veth', link: 7, linkSpace: 0 };

  it('is the link of that index that leads to the port', () => {
    const others = [
      { name: 'lo', ifindex: 1, kind: '', link: null, linkSpace: null },
      { ...end, name: 'eth1', ifindex: 3 },
    ];
    expect(otherEndOf(port, [...others, end], 0)).toBe('eth0');
    expect(otherEndOf(port, others, 0)).toBeNull();
  });

  it('is none where a link has the index by chance, and leads elsewhere', () => {
    expect(otherEndOf(port, [{ ...end, kind: 'dummy' }], 0)).toBeNull();
    expect(otherEndOf(port, [{ ...end, link: 9 }], 0)).toBeNull();
    expect(otherEndOf(port, [{ ...end, linkSpace: 1 }], 0)).toBeNull();
    expect(otherEndOf({ ifindex: 7 }, [end], 0)).toBeNull();
  });
});

describe('what a kernel may be unable to do', () => {
  const failing = (error: Error) => (): void =>
    unlessUnsupported(() => {
      throw error;
    });

  it('need not be done, and every other fault is one', () => {
    expect(failing(new VerifyError('unsupported', 69, 'no IPv6', ''))).not.toThrow();
    expect(failing(new VerifyError('not-root', 69, 'no right', ''))).toThrow('no right');
    expect(failing(new Error('unsupported'))).toThrow('unsupported');
  });
});
