import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupByPair, numbering } from '../../../src/report/group.js';

interface Member {
  readonly from: string;
  readonly to: string | null;
  readonly key: string | null;
}

const group = (members: readonly Member[]) =>
  groupByPair(
    members,
    (member) => member,
    ({ key }) => key,
  );

describe('members grouped by pair', () => {
  it('are those of one pair and key, in the order in which they came', () => {
    const member = fc.record({
      from: fc.constantFrom('a', 'b', 'a b'),
      to: fc.constantFrom('a', 'b', 'null', null),
      key: fc.constantFrom('', 'x', 'null'),
    });
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const groups = new Map<string, Member[]>();
        for (const member of members)
          groups.set(JSON.stringify(member), [...(groups.get(JSON.stringify(member)) ?? []), member]);
        expect(group(members)).toEqual([...groups.values()]);
      }),
    );
  });
  it('stand alone where they have no key', () => {
    const [x, none]: readonly Member[] = [
      { from: 'a', to: 'b', key: 'x' },
      { from: 'a', to: 'b', key: null },
    ];
    if (x === undefined || none === undefined) expect.unreachable();
    expect(group([none, x, none, x])).toEqual([[none], [x, x], [none]]);
    expect(group([x, none, x, none])).toEqual([[x, x], [none], [none]]);
  });
  it('are asked for no key where a pair has one member', () => {
    expect(
      groupByPair(
        [
          { from: 'a', to: null },
          { from: 'b', to: null },
        ],
        (pair) => pair,
        () => expect.unreachable(),
      ),
    ).toHaveLength(2);
  });
});

describe('numbers', () => {
  it('begin with 0, and are the same for the same', () => {
    const numberOf = numbering<string | null>();
    expect(['a', null, 'a', 'null', null, ''].map(numberOf)).toEqual([0, 1, 0, 2, 1, 3]);
  });
});
