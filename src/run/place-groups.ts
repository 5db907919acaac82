import type { Place } from '../core/model/fabric.js';

/** What lives in one network namespace of one host: one helper serves all of it. */
export interface PlaceGroup<T> {
  /** null = the orchestrator's own. */
  readonly host: string | null;
  readonly netns: string | null;
  readonly items: readonly T[];
}

/** Items by where they are, in the order in which places first occur. */
export function groupByPlace<T>(
  items: readonly T[],
  placeOf: (item: T) => Pick<Place, 'netns' | 'host'>,
): readonly PlaceGroup<T>[] {
  const groups = new Map<string, { host: string | null; netns: string | null; items: T[] }>();
  for (const item of items) {
    const { netns, host = null } = placeOf(item);
    const key = JSON.stringify([host, netns]);
    const group = groups.get(key) ?? { host, netns, items: [] };
    group.items.push(item);
    groups.set(key, group);
  }
  return [...groups.values()];
}
