import { linkNamed } from '../core/bridge/host.js';
import { compareLinks } from '../core/bridge/compare.js';
import { rulesText } from '../core/bridge/rules-text.js';
import type { FdbState, HostState } from '../core/model/state.js';
import { changedKeys } from '../core/text/collections.js';

/** A difference of two states. null = absent. */
export interface Difference {
  readonly place: string;
  readonly before: string | null;
  readonly after: string | null;
}

function compare(
  was: Readonly<Record<string, string>>,
  is: Readonly<Record<string, string>>,
  place: (key: string) => string,
): readonly Difference[] {
  return changedKeys(was, is).map(({ key, ...change }) => ({ place: place(key), ...change }));
}

function fdbOf(entries: readonly FdbState[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.map((entry) => [
      `${entry.master ?? entry.port} ${entry.mac}${entry.vlan === null ? '' : ` vlan ${entry.vlan}`}`,
      `${entry.port} ${[entry.state, ...entry.flags].filter((word) => word !== '').join(' ')}`.trim(),
    ]),
  );
}

/**
 * Differences of two states: links, settings of bridges and ports, forwarding database, VLANs, filters, sysctl, without
 * timers and counters. `listingText`: rulesText within a run, reloadedRulesText between runs.
 */
export function stateDifferences(
  before: HostState,
  after: HostState,
  listingText: (listing: unknown) => string = rulesText,
): readonly Difference[] {
  const links = [...new Set([...before.links, ...after.links].map(({ name }) => name))].flatMap((name) => {
    const [first, second] = [linkNamed(before, name), linkNamed(after, name)];
    if (first === undefined || second === undefined)
      return [
        { place: name, before: first === undefined ? null : 'present', after: second === undefined ? null : 'present' },
      ];
    return compareLinks(first, second, 'report').map(({ what, was, is }) => ({
      place: `${name}.${what.toLowerCase()}`,
      before: was === null ? null : String(was),
      after: is === null ? null : String(is),
    }));
  });
  const listings = (['vlan', 'mdb', 'tc', 'nft'] as const).flatMap((kind) => {
    const [first, second] = [listingText(before[kind]), listingText(after[kind])];
    return first === second ? [] : [{ place: kind, before: first, after: second }];
  });
  return [
    ...links,
    ...compare(before.sysctl, after.sysctl, (key) => `sysctl ${key}`),
    ...compare(fdbOf(before.fdb), fdbOf(after.fdb), (key) => `fdb ${key}`),
    ...listings,
  ];
}
