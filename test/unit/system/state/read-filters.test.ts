import { describe, expect, it } from 'vitest';
import { objectsOf } from '../../../../src/core/text/json-text.js';
import type { FilterFinder } from '../../../../src/system/kernel/ask/traffic-control.js';
import { filterPlaces, routingAmong } from '../../../../src/system/state/read-filters.js';

const queue = { kind: 'fq_codel', handle: '0:', dev: 'v0', root: true };
const tree = { kind: 'htb', handle: '1:', dev: 'v0', root: true };
const leaf = { kind: 'fq_codel', handle: '8001:', dev: 'v0', parent: '1:1' };
/** What the kernel says of filters and of classes. */
const finder = (has: boolean | null, classes: readonly number[] | null, index: number | null = 7): FilterFinder => ({
  indexOf: () => index,
  hasFilters: () => has,
  classesOf: () => classes,
  close: () => undefined,
});
const places = (qdisc: readonly unknown[], asked: FilterFinder | null): readonly string[] =>
  filterPlaces(qdisc, asked).map(({ place }) => place);

describe('places of filters', () => {
  it('are asked for where the kernel says that there are some, or does not say', () => {
    expect(places([queue], finder(false, []))).toEqual([]);
    expect(places([queue], finder(true, []))).toEqual(['root']);
    expect(places([queue], finder(null, []))).toEqual(['root']);
    expect(places([queue], null)).toEqual(['root']);
    expect(places([tree, leaf], finder(false, [0x10001]))).toEqual(['root']);
    expect(places([tree, leaf], finder(null, [0x10001]))).toEqual(['root', '8001:', '1:1']);
  });

  it('are not known where classes cannot be listed', () => {
    expect(() => places([tree], finder(false, null))).toThrow('the classes of v0');
    expect(() => places([tree], null)).toThrow('the classes of v0');
  });

  it('are none at a device that is gone', () =>
    expect(places([queue, tree], finder(null, null, null))).toEqual(['root']));
});

const links = [
  { ifname: 'tap.1', linkinfo: { info_kind: 'tun' } },
  { ifname: 'wg0', linkinfo: { info_kind: 'wireguard' } },
];
const none = { rules: [], routes: [] };
/** Routes of IPv4 that are kept beside that of a guest, 10.0.0.0/30 by tap.1. */
const keptBeside = (routes: readonly object[]): readonly object[] => {
  const ipv4 = { rules: [], routes: [{ dst: '10.0.0.0/30', dev: 'tap.1' }, ...routes] };
  return objectsOf(routingAmong({ ipv4, ipv6: none }, links).ipv4.routes).slice(1);
};

describe('routes that are kept', () => {
  it('are of the main table those to guests, and those that take something out of these', () => {
    const kept = [
      { dst: '10.0.0.2', dev: 'wg0' },
      { dst: '10.0.0.0/30', dev: 'wg0', metric: 50 },
      { dst: '10.0.0.2/31', nexthops: [{ dev: 'wg0' }, { dev: 'eth0' }] },
    ];
    expect(keptBeside(kept)).toEqual(kept);
    const others = [
      { dst: 'default', dev: 'eth0' },
      { dst: '10.0.0.0/24', dev: 'wg0' },
      { dst: '10.0.0.4', dev: 'wg0' },
      { type: 'multicast', dst: '10.0.0.2', dev: 'wg0' },
    ];
    expect(keptBeside(others)).toEqual([]);
    expect(keptBeside([{ dst: 'default', dev: 'tap.1' }, ...others])).toHaveLength(1);
  });
});
