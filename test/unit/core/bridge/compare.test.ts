import { expect, it } from 'vitest';
import { compareLinks, factOf } from '../../../../src/core/bridge/compare.js';
import { upLink } from '../../../support/link-state.js';

const before = upLink('v0', { ifindex: 4, master: 'br0', mtu: 1500, port: { flood: true, state: 'forwarding' } });

it('each reader of two states sees what it cares about, in one order', () => {
  const after = {
    ...before,
    ...{ ifindex: 5, master: null, mtu: 1400, flags: ['UP'], vni: 7, xdp: 'id 3' },
    port: { flood: false, state: 'blocking' },
  };
  const seenBy = (reader: 'judge' | 'drift' | 'report') =>
    compareLinks(before, after, reader).map(({ what, was, is }) => `${what} ${was} ${is}`);
  const both = ['master br0 null', 'MTU 1500 1400'];
  expect(seenBy('judge')).toEqual([
    ...['ifindex 4 5', ...both, 'VNI null 7', 'carrier true false', 'XDP program null id 3', 'flood true false'],
  ]);
  expect(seenBy('report')).toEqual([...both, 'carrier true false', 'flood true false', 'state forwarding blocking']);
  expect(seenBy('drift')).toEqual(['flood true false']);
});

it('what this kernel does not report and what a link does not have are one', () => {
  expect(compareLinks(before, { ...before, promiscuity: null }, 'judge')).toHaveLength(
    before.promiscuity === null ? 0 : 1,
  );
  expect(compareLinks({ ...before, port: null }, { ...before, port: {} }, 'judge')).toEqual([]);
});

it('a key that bridges and ports have is compared once, where the link has it', () => {
  const values = (priority: number) => ({ priority, group_fwd_mask: priority });
  const changes = ['priority', 'group_fwd_mask'].map((what) => ({ what, was: 1, is: 2 }));
  for (const place of ['bridge', 'port'] as const) {
    const found = compareLinks({ ...before, [place]: values(1) }, { ...before, [place]: values(2) }, 'judge');
    expect(found.toSorted((a, b) => b.what.localeCompare(a.what))).toEqual(changes);
  }
});

it('a fact is one of the link or of its settings', () => {
  expect(['MTU', 'state', 'no_such'].map((what) => factOf(before, what))).toEqual([1500, 'forwarding', null]);
  expect(factOf(undefined, 'MTU')).toBeNull();
});
