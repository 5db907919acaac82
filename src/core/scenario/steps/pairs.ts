import { bareName } from '../../model/host-names.js';
import type { ProbeEntry, Topology } from '../../model/scenario.js';

/**
 * How many pairs of sender and addressee an entry has, both ways counted and none twice; a class without addressee has
 * one for each sender.
 */
export function countPairs(
  entry: Pick<ProbeEntry, 'from' | 'to' | 'bothWays' | 'acrossBridges'>,
  topology: Topology,
): number {
  if (entry.to === null) return entry.from.length;
  const oneWay = pairsAmong(entry.from, entry.to, entry, topology);
  if (!entry.bothWays) return oneWay;
  // Where both are senders and addressees the other way round comes by itself
  const addressees = new Set(entry.to);
  const both = entry.from.filter((name) => addressees.has(name));
  return 2 * oneWay - pairsAmong(both, both, entry, topology);
}

function pairsAmong(
  from: readonly string[],
  to: readonly string[],
  { acrossBridges }: Pick<ProbeEntry, 'acrossBridges'>,
  topology: Topology,
): number {
  const segments = new Map(topology.endpoints.map(({ name, bridge }) => [name, bareName(bridge)]));
  const place = (name: string): string => (acrossBridges ? '' : (segments.get(name) ?? ''));
  const addressees = new Map<string, number>();
  for (const name of to) addressees.set(place(name), (addressees.get(place(name)) ?? 0) + 1);
  const own = new Set(to);
  let pairs = 0;
  for (const name of from) pairs += (addressees.get(place(name)) ?? 0) - (own.has(name) ? 1 : 0);
  return pairs;
}

/** The pairs themselves, one way. */
export function* pairsOf(
  entry: Pick<ProbeEntry, 'from' | 'to' | 'acrossBridges'>,
  topology: Topology,
): Generator<readonly [from: string, to: string | null]> {
  const segments = new Map(topology.endpoints.map(({ name, bridge }) => [name, bareName(bridge)]));
  for (const from of entry.from) {
    if (entry.to === null) yield [from, null];
    else
      for (const to of entry.to)
        if (to !== from && (entry.acrossBridges || segments.get(to) === segments.get(from))) yield [from, to];
  }
}
