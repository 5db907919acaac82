import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldInARow } from '../../../src/report/group.js';

interface Member {
  readonly key: string;
  /** Whether it is told at a glance that another one is like it. */
  readonly plain: boolean;
}

function fold(members: readonly Member[], keyOf: (member: Member) => string): readonly (readonly Member[])[] {
  return foldInARow<Member, Member[]>(members, {
    keyOf,
    isAlike: (a, b) => a.plain && b.plain && a.key === b.key,
    begin: (member) => [member],
    add: (into, member) => into.push(member),
  });
}

describe('members that belong together', () => {
  it('are folded by their keys, in the order in which they came', () => {
    const member = fc.record({ key: fc.constantFrom('', 'a', 'b'), plain: fc.boolean() });
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const groups = new Map<string, Member[]>();
        for (const member of members) groups.set(member.key, [...(groups.get(member.key) ?? []), member]);
        expect(fold(members, ({ key }) => key)).toEqual([...groups.values()]);
      }),
    );
  });
  it('are asked for no key where they are like the one before', () => {
    const asked: string[] = [];
    fold(
      ['a', 'a', 'b', 'b', 'a', 'a'].map((key) => ({ key, plain: true })),
      ({ key }) => {
        asked.push(key);
        return key;
      },
    );
    expect(asked).toEqual(['a', 'b', 'a']);
  });
});
