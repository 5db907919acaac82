import type { Finding } from '../core/model/result.js';

/** Numbers equal values alike, from 0. Keys of numbers are faster than texts in a leaking mesh's 100,000 rows. */
export function numbering<T>(): (value: T) => number {
  const numbers = new Map<T, number>();
  return (value) => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    numbers.set(value, numbers.size);
    return numbers.size - 1;
  };
}

function isSameKind(a: Finding, b: Finding): boolean {
  return (
    a.probe === b.probe &&
    a.class === b.class &&
    a.carrier === b.carrier &&
    a.variant === b.variant &&
    a.grouped === b.grouped &&
    a.allowed === b.allowed &&
    (a.vlan === b.vlan || a.vlan.join() === b.vlan.join())
  );
}

/** Findings of one kind are mostly consecutive. */
export function kindNumbers(partsOf: (finding: Finding) => readonly unknown[]): (finding: Finding) => number {
  const numberOf = numbering<string>();
  let last: Finding | null = null;
  let number = 0;
  return (finding) => {
    if (last === null || !isSameKind(last, finding)) number = numberOf(JSON.stringify(partsOf(finding)));
    last = finding;
    return number;
  };
}

interface Pair {
  readonly from: string;
  readonly to: string | null;
}

interface OfPair<T> {
  readonly first: T[];
  /** Null while there is one group. */
  byKey: Map<string, T[]> | null;
}

/**
 * Groups by pair and key, in order. Key null stands alone. Texts for 100,000 pairs are costly: keys are made only for
 * shared pairs.
 */
export function groupByPair<T>(
  members: readonly T[],
  pairOf: (member: T) => Pair,
  keyOf: (member: T) => string | null,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  const bySender = new Map<string, Map<string | null, OfPair<T>>>();
  const begin = (member: T): T[] => {
    const group = [member];
    groups.push(group);
    return group;
  };
  for (const member of members) {
    const { from, to } = pairOf(member);
    let byAddressee = bySender.get(from);
    if (byAddressee === undefined) bySender.set(from, (byAddressee = new Map()));
    const known = byAddressee.get(to);
    if (known === undefined) {
      byAddressee.set(to, { first: begin(member), byKey: null });
      continue;
    }
    known.byKey ??= keyed(known.first, keyOf);
    const key = keyOf(member);
    const group = key === null ? undefined : known.byKey.get(key);
    if (group !== undefined) group.push(member);
    else if (key === null) begin(member);
    else known.byKey.set(key, begin(member));
  }
  return groups;
}

function keyed<T>(group: T[], keyOf: (member: T) => string | null): Map<string, T[]> {
  const key = group[0] === undefined ? null : keyOf(group[0]);
  return new Map(key === null ? [] : [[key, group]]);
}

interface Fold<T, Into> {
  readonly keyOf: (member: T) => string;
  /** True if the keys are known to be equal without making them. All members between are alike. */
  readonly isAlike: (member: T, earlier: T) => boolean;
  readonly begin: (member: T) => Into;
  readonly add: (into: Into, member: T) => void;
}

/** Folds by key, in order. Texts for 100,000 rows are costly: rows mostly resemble the one before. */
export function foldInARow<T, Into>(
  members: readonly T[],
  { keyOf, isAlike, begin, add }: Fold<T, Into>,
): readonly Into[] {
  const folded = new Map<string, Into>();
  let latest: { readonly member: T; readonly into: Into } | null = null;
  for (const member of members) {
    if (latest !== null && isAlike(member, latest.member)) {
      add(latest.into, member);
      continue;
    }
    const key = keyOf(member);
    const known: Into | undefined = folded.get(key);
    const into: Into = known ?? begin(member);
    if (known === undefined) folded.set(key, into);
    else add(into, member);
    latest = { member, into };
  }
  return [...folded.values()];
}
