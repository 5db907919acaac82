import { describe, expect, it } from 'vitest';
import type { FilterFinder } from '../../../../src/system/kernel/ask/traffic-control.js';
import { filterPlaces } from '../../../../src/system/state/read-filters.js';

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
