/** What members that belong together are folded into, and which do. */
interface Fold<T, Into> {
  /** Members with the same key belong together. */
  readonly keyOf: (member: T) => string;
  /**
   * Of a member and an earlier one, those between them being alike: whether their keys are the same, where that is
   * known without them.
   */
  readonly isAlike: (member: T, earlier: T) => boolean;
  readonly begin: (member: T) => Into;
  readonly add: (into: Into, member: T) => void;
}

/**
 * Folds members that belong together into one, in the order in which the first of them came: a mesh that leaks has a
 * hundred thousand rows, most of which are like the one before, and a text for each costs more than all else. Each is
 * looked at once, while it is at hand.
 */
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
