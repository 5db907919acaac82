import type { ProbeEntry, Topology } from '../model/scenario.js';

/** How many pairs of sender and addressee an entry has, both ways counted; a class without addressee has one for each sender. */
export function countPairs(entry: Pick<ProbeEntry, 'from' | 'to' | 'bothWays' | 'acrossBridges'>, topology: Topology): number {
  if (entry.to === null) return entry.from.length;
  const bridges = new Map(topology.endpoints.map(({ name, bridge }) => [name, bridge]));
  const place = (name: string): string => (entry.acrossBridges ? '' : (bridges.get(name) ?? ''));
  const addressees = new Map<string, number>();
  for (const name of entry.to) addressees.set(place(name), (addressees.get(place(name)) ?? 0) + 1);
  const to = new Set(entry.to);
  let pairs = 0;
  for (const name of entry.from) pairs += (addressees.get(place(name)) ?? 0) - (to.has(name) ? 1 : 0);
  return entry.bothWays ? pairs * 2 : pairs;
}

/** The pairs themselves, one way. */
export function* pairsOf(entry: Pick<ProbeEntry, 'from' | 'to' | 'acrossBridges'>, topology: Topology): Generator<readonly [from: string, to: string | null]> {
  const bridges = new Map(topology.endpoints.map(({ name, bridge }) => [name, bridge]));
  for (const from of entry.from) {
    if (entry.to === null) yield [from, null];
    else for (const to of entry.to) if (to !== from && (entry.acrossBridges || bridges.get(to) === bridges.get(from))) yield [from, to];
  }
}
