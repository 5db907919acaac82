import { bareName } from '../../model/host-names.js';
import type { ProbeEntry, Rounds, Topology } from '../../model/scenario.js';

/** The number of an entry's pairs, both ways, none twice; without addressees, of senders. */
export function countPairs(
  entry: Pick<ProbeEntry, 'from' | 'to' | 'bothWays' | 'acrossBridges' | 'rounds'>,
  topology: Topology,
): number {
  if (entry.to === null) return entry.from.length;
  if (entry.rounds !== undefined) {
    const places = new Map(topology.endpoints.map(({ name, bridge }) => [name, bareName(bridge)]));
    let pairs = 0;
    for (const [from, to] of roundPairs(entry.from, entry.to, entry.rounds))
      if (entry.acrossBridges || places.get(from) === places.get(to)) pairs += 1;
    return pairs;
  }
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
  const addressed = new Set(to);
  let pairs = 0;
  for (const name of from) pairs += (addressees.get(place(name)) ?? 0) - (addressed.has(name) ? 1 : 0);
  return pairs;
}

/**
 * Pairs by rounds: a sender that is an addressee sends to the k-th behind itself, another to the k-th behind its own
 * number. A round has each sender once, and addressees evenly.
 */
export function* roundPairs(
  from: readonly string[],
  to: readonly string[],
  { first, last }: Rounds,
): Generator<readonly [from: string, to: string]> {
  const places = new Map(to.map((name, at) => [name, at]));
  const end = Math.min(last ?? to.length, to.length);
  for (let round = first; round <= end; round += 1) {
    for (const [number, name] of from.entries()) {
      const place = places.get(name);
      const addressee = to[((place ?? number - 1) + round) % to.length];
      if (addressee !== undefined && addressee !== name) yield [name, addressee];
    }
  }
}

export function* pairsOf(
  entry: Pick<ProbeEntry, 'from' | 'to' | 'acrossBridges' | 'rounds'>,
  topology: Topology,
): Generator<readonly [from: string, to: string | null]> {
  const segments = new Map(topology.endpoints.map(({ name, bridge }) => [name, bareName(bridge)]));
  if (entry.rounds !== undefined && entry.to !== null) {
    for (const [from, to] of roundPairs(entry.from, entry.to, entry.rounds))
      if (entry.acrossBridges || segments.get(to) === segments.get(from)) yield [from, to];
    return;
  }
  for (const from of entry.from) {
    if (entry.to === null) yield [from, null];
    else
      for (const to of entry.to)
        if (to !== from && (entry.acrossBridges || segments.get(to) === segments.get(from))) yield [from, to];
  }
}
