import { bridgeSettings, portSettings } from '../core/bridge/attributes.js';
import { rulesText } from '../core/bridge/rules-text.js';
import type { FdbState, HostState, LinkState } from '../core/model/state.js';

/** One thing that the kernel said differently at two moments; null = it was not there. */
export interface Difference {
  readonly place: string;
  readonly before: string | null;
  readonly after: string | null;
}

function valuesOf(link: LinkState): ReadonlyMap<string, string> {
  const values = new Map<string, string>([
    ['mac', link.mac],
    ['mtu', String(link.mtu)],
    ['master', link.master ?? 'none'],
    ['up', String(link.flags.includes('UP'))],
    ['carrier', String(link.flags.includes('LOWER_UP'))],
    ...(link.promiscuity === null ? [] : [['promiscuity', String(link.promiscuity)] as const]),
  ]);
  for (const { key } of bridgeSettings) if (link.bridge?.[key] !== undefined) values.set(key, String(link.bridge[key]));
  for (const { key } of portSettings) if (link.port?.[key] !== undefined) values.set(key, String(link.port[key]));
  if (link.port?.['state'] !== undefined) values.set('state', String(link.port['state']));
  return values;
}

function compare(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  place: (key: string) => string,
): readonly Difference[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [first, second] = [before.get(key) ?? null, after.get(key) ?? null];
    return first === second ? [] : [{ place: place(key), before: first, after: second }];
  });
}

function fdbOf(entries: readonly FdbState[]): ReadonlyMap<string, string> {
  return new Map(
    entries.map((entry) => [
      `${entry.master ?? entry.port} ${entry.mac}${entry.vlan === null ? '' : ` vlan ${entry.vlan}`}`,
      `${entry.port} ${[entry.state, ...entry.flags].filter((word) => word !== '').join(' ')}`.trim(),
    ]),
  );
}

/** Of two links of one name the first. */
function linksByName({ links }: HostState): ReadonlyMap<string, LinkState> {
  const named = new Map<string, LinkState>();
  for (const link of links) if (!named.has(link.name)) named.set(link.name, link);
  return named;
}

/**
 * What differs between two states: links, settings of bridges and ports, forwarding database, VLANs, filters, sysctl.
 * Timers and counters are left out. `listingText`: rulesText for states of one run, reloadedRulesText for those of two.
 */
export function stateDifferences(
  before: HostState,
  after: HostState,
  listingText: (listing: unknown) => string = rulesText,
): readonly Difference[] {
  const [was, is] = [linksByName(before), linksByName(after)];
  const links = [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
    const [first, second] = [was.get(name), is.get(name)];
    if (first === undefined || second === undefined)
      return [
        { place: name, before: first === undefined ? null : 'present', after: second === undefined ? null : 'present' },
      ];
    return compare(valuesOf(first), valuesOf(second), (key) => `${name}.${key}`);
  });
  const listings = (['vlan', 'mdb', 'tc', 'nft'] as const).flatMap((kind) => {
    const [first, second] = [listingText(before[kind]), listingText(after[kind])];
    return first === second ? [] : [{ place: kind, before: first, after: second }];
  });
  return [
    ...links,
    ...compare(new Map(Object.entries(before.sysctl)), new Map(Object.entries(after.sysctl)), (key) => `sysctl ${key}`),
    ...compare(fdbOf(before.fdb), fdbOf(after.fdb), (key) => `fdb ${key}`),
    ...listings,
  ];
}
