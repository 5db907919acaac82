import { describe, expect, it } from 'vitest';
import type { LinkedDevice } from '../../../../src/core/model/state.js';
import { type AccountScope, accountsOf, insideAccounts } from '../../../../src/core/plan/accounts.js';
import { step } from '../../../support/judge/unchanged-fixture.js';

const device = (name: string, ifindex: number, parts: Partial<LinkedDevice> = {}): LinkedDevice => ({
  space: null,
  name,
  ifindex,
  kind: 'veth',
  mac: '',
  lower: null,
  master: 1,
  up: true,
  ...parts,
});
const far = (lower: number): LinkedDevice => device('eth0', 2, { space: `/proc/${lower}/ns/net`, lower, master: null });
const ports = ['p0', 'p1', 'p2', 'p3'].map((name, at) => device(name, at + 10));
const bridge = device('br0', 1, { kind: 'bridge', master: null });
const scope: AccountScope = { processors: 4, polls: () => false, pooled: false };

describe('the accounts of a step', () => {
  it('are those of its veth ports, one each', () => {
    const accounts = accountsOf(step, [bridge, ...ports], scope);
    expect(Object.keys(accounts)).toEqual(['p0', 'p1', 'p2', 'p3']);
    expect(accounts['p1']).toEqual({ observers: ['b'], ports: ['p1'], kind: 'veth', held: 4, processors: 4 });
  });

  it('let a ring full of frames be under way where the far end polls, or is not found', () => {
    const polls = (end: LinkedDevice | undefined): boolean => end?.space !== '/proc/10/ns/net';
    const accounts = accountsOf(step, [bridge, ...ports, far(10)], { ...scope, polls });
    expect([accounts['p0']?.held, accounts['p1']?.held]).toEqual([4, 4 + 256 * 4]);
  });

  it('let the queue of a tap be under way', () => {
    const [first, ...rest] = ports.map((port) => ({ ...port, kind: 'tun', queue: 1000 }));
    const accounts = accountsOf(step, [bridge, ...rest, device('p0', 10, { ...first, kind: 'tun' })], scope);
    expect(accounts['p0']).toMatchObject({ kind: 'tap', held: 1004 });
    expect(accountsOf(step, [device('p0', 10, { kind: 'tun' })], scope)['p0']?.held).toBe(504);
  });

  it('are none of a port of another kind, whose counters do not close', () => {
    expect(
      accountsOf(step, [bridge, device('p0', 10, { kind: '' }), device('p1', 11, { kind: 'macvtap' })], scope),
    ).toEqual({});
    expect(accountsOf(step, [device('p0', 10, { space: '/proc/9/ns/net' })], scope)).toEqual({});
  });

  it('are one together where there are too many ports, without those that may hold frames', () => {
    const polls = (end: LinkedDevice | undefined): boolean => end !== undefined;
    const accounts = accountsOf(step, [bridge, ...ports, far(12)], { ...scope, polls, pooled: true });
    expect(Object.keys(accounts)).toEqual(['br0']);
    expect(accounts['br0']).toMatchObject({ ports: ['p0', 'p1', 'p3'], held: 4 });
    expect(accountsOf(step, [bridge], { ...scope, pooled: true })).toEqual({});
  });

  it('are also those behind veth ports whose other end can be read, each by itself', () => {
    const [first, ...rest] = ports;
    const taps = [device('p0', first?.ifindex ?? 0, { kind: 'tun' }), ...rest];
    const accounts = accountsOf(step, [bridge, ...taps], { ...scope, polls: () => true });
    const inside = insideAccounts(accounts, (port) => port !== 'p1');
    expect(Object.keys(inside)).toEqual(['p2 inside', 'p3 inside']);
    expect(inside['p2 inside']).toEqual({ observers: ['c'], ports: ['p2'], kind: 'inside', held: 4, processors: 4 });
    const pooled = accountsOf(step, [bridge, ...ports], { ...scope, pooled: true });
    expect(insideAccounts(pooled, () => true)).toEqual({});
  });
});
