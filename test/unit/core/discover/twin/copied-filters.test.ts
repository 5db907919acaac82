import { describe, expect, it } from 'vitest';
import { copiedFilters } from '../../../../../src/core/discover/twin/copied-filters.js';
import { plain } from '../../../../support/discover/twin-fixture.js';

describe('filters that are copied', () => {
  const gact = (type: string): object => ({ kind: 'gact', control_action: { type } });
  const mirred = (over: object = {}): object => ({
    kind: 'mirred',
    mirred_action: 'redirect',
    direction: 'ingress',
    to_dev: 'p1',
    ...over,
  });
  const copied = (options: object | null, more: object = {}, place = 'p0 ingress'): ReturnType<typeof copiedFilters> =>
    copiedFilters(
      {
        ...plain,
        tc: {
          filters: {
            [place]: [{ protocol: 'ip', pref: 7, kind: 'matchall', ...(options === null ? {} : { options }), ...more }],
          },
        },
      },
      new Set(['p0', 'p1']),
    );
  const words = (...args: Parameters<typeof copied>): string | undefined => copied(...args).commands[1]?.join(' ');
  const none = { value: '0', mask: '0', off: 0 };
  it('are those for all frames or words of them that drop, pass, mirror or redirect', () => {
    expect(words({ actions: [gact('pass')] })).toBe(
      'tc filter add dev p0 ingress protocol ip prio 7 matchall action pass',
    );
    expect(words({ actions: [mirred(), gact('drop')] }, {}, 'p0 egress')).toBe(
      'tc filter add dev p0 egress protocol ip prio 7 matchall action mirred ingress redirect dev p1 action drop',
    );
    expect(words({ actions: [gact('drop')], match: none }, { kind: 'u32', protocol: 7, pref: undefined })).toBe(
      'tc filter add dev p0 ingress protocol all prio 1 u32 match u32 0x0 0x0 at 0 action drop',
    );
    const matches = [none, { value: '1bb', mask: 'ffff', off: 20 }];
    expect(words({ actions: [gact('drop')], matches }, { kind: 'u32' })).toBe(
      'tc filter add dev p0 ingress protocol ip prio 7 u32 match u32 0x0 0x0 at 0 match u32 0x1bb 0xffff at 20 action drop',
    );
  });
  it('share one place to hang them on', () => {
    const two = copiedFilters(
      {
        ...plain,
        tc: {
          filters: {
            'p0 ingress': [1, 2].map((pref) => ({ kind: 'matchall', pref, options: { actions: [gact('drop')] } })),
          },
        },
      },
      new Set(['p0']),
    );
    expect(two.commands.map((argv) => argv[1])).toEqual(['qdisc', 'filter', 'filter']);
  });
  it('hold no rule in heads and tables, and are none of a device that is not there', () => {
    for (const none of [copied(null), copied({ ht_divisor: 1 }), copied({ actions: [gact('drop')] }, {}, 'p9 ingress')])
      expect(none).toEqual({ commands: [], names: [], missing: [] });
    expect(copiedFilters(plain, new Set(['p0']))).toEqual({ commands: [], names: [], missing: [] });
  });
  it.each<[string, () => ReturnType<typeof copied>, string]>([
    ['another verdict', () => copied({ actions: [gact('reclassify')] }), 'the tc filter matchall at p0 ingress'],
    ['no action', () => copied({ actions: [] }), 'the tc filter matchall at p0 ingress'],
    [
      'another place',
      () => copied({ actions: [gact('drop')] }, {}, 'p0 parent'),
      'the tc filter matchall at p0 parent',
    ],
    [
      'a copy to who is not there',
      () => copied({ actions: [mirred({ to_dev: 'p9' })] }),
      'the tc filter matchall at p0 ingress, to p9',
    ],
    [
      'an unknown act',
      () => copied({ actions: [mirred({ mirred_action: 'x' })] }),
      'the tc filter matchall at p0 ingress, to p1',
    ],
    [
      'an unknown way',
      () => copied({ actions: [mirred({ direction: 'x' })] }),
      'the tc filter matchall at p0 ingress, to p1',
    ],
    [
      'a redirect to nowhere',
      () => copied({ actions: [mirred({ to_dev: 7 })] }),
      'the tc filter matchall at p0 ingress',
    ],
    [
      'a word of which the value is not said',
      () => copied({ actions: [gact('drop')], match: { mask: 'ff', off: 0 } }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
    [
      'a redirect of which the way is not told',
      () => copied({ actions: [mirred({ direction: undefined })] }),
      'the tc filter matchall at p0 ingress, to p1',
    ],
    [
      'a mark',
      () => copied({ actions: [gact('drop')], match: none, mark: {} }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
    [
      'another kind with an empty match',
      () => copied({ actions: [gact('drop')], match: { mask: '0' } }, { kind: 'flower' }),
      'the tc filter flower at p0 ingress',
    ],
    [
      'a verdict that is not told',
      () => copied({ actions: [{ kind: 'gact' }] }),
      'the tc filter matchall at p0 ingress',
    ],
    [
      'a link to another table',
      () => copied({ actions: [gact('drop')], match: none, link: '1:' }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
    [
      'a kind without a match',
      () => copied({ actions: [gact('drop')] }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
  ])('are named, not made, with %s', (_, reported, line) =>
    expect(reported()).toEqual({ commands: [], names: [], missing: [line] }),
  );
});
