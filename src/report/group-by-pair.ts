/** Who sent, and whom it was for. */
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
 * Groups what has the same pair and the same key, groups and members in the order in which they came; a key of null
 * stands alone. The key is asked for only where a pair has several members: a mesh that leaks has a hundred thousand
 * pairs, and a text for each costs more than all else.
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
