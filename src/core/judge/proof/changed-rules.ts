import { linkNamed } from '../../bridge/host.js';
import type { Bypass } from '../../bridge/bypass/bypasses.js';
import { covers, type Prefix, prefixOf, routingDifferences } from '../../bridge/routing.js';
import { rulesText } from '../../bridge/rules-text.js';
import { legacyTablesOf, statesByHost } from '../../bridge/states-by-host.js';
import { bareName } from '../../model/host-names.js';
import type { StepPlan } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { Endpoint } from '../../model/scenario.js';
import type { FamilyRouting, Routing } from '../../model/routing-state.js';
import type { HostState, StepStates } from '../../model/state.js';
import { nexthopObjects, routesTo, type RuleChange } from '../../model/timeline.js';
import { objectsOf, textOf } from '../../text/json-text.js';
import type { ReadInterval } from './intervals.js';
import { nftRules, tcFilters } from '../../bridge/rules.js';
import { listText, someText } from '../../text/names.js';

const maxNamed = 3;

function changer({ kind, pid, program, host }: RuleChange): string {
  const on = host === undefined ? '' : ` on ${host}`;
  if (pid === null) return `an unknown process${on}`;
  return kind === 'tc'
    ? `netlink port ${pid}${on} (usually the process id)`
    : `process ${pid}${program === null ? '' : ` (${program})`}${on}`;
}

/** Changed rules and their process: `nft, by process 77 (nft)`. */
export function changesText(changes: readonly RuleChange[]): string {
  const kinds = listText([...new Set(changes.map(({ kind }) => kind))]);
  return `${kinds}${changersText(changes.map(changer))},`;
}

function changersText(by: readonly string[]): string {
  return by.length === 0 ? '' : `, by ${someText(by, maxNamed)}`;
}

const rulesDiffer: Readonly<Record<RuleChange['kind'], (from: HostState, to: HostState) => boolean>> = {
  tc: (from, to) => rulesText(from.tc) !== rulesText(to.tc),
  nft: (from, to) => rulesText(from.nft) !== rulesText(to.nft),
};

/** Rules that differ from before, or were changed and reverted. */
export function changedRules(intervals: readonly ReadInterval[], changes: readonly RuleChange[]): readonly Reason[] {
  const legacy = intervals.find(
    ({ from, to, excused }) =>
      !excused.has('nft') && JSON.stringify(legacyTablesOf(from)) !== JSON.stringify(legacyTablesOf(to)),
  );
  const ofLegacy =
    legacy === undefined
      ? []
      : [reason('settings-changed', null, `the rules of xtables that nft does not list changed${legacy.where}`)];
  const ofNetlink = (['tc', 'nft'] as const).flatMap((kind) => {
    const firstChange = intervals.find(({ from, to, excused }) => !excused.has(kind) && rulesDiffer[kind](from, to));
    const by = changes.filter((change) => change.kind === kind).map(changer);
    if (firstChange === undefined && by.length === 0) return [];
    const named = changersText(by);
    return [
      reason(
        'settings-changed',
        null,
        `the ${kind} rules changed${firstChange === undefined ? ' and were put back' : ''}${named}${firstChange?.where ?? ''}`,
      ),
    ];
  });
  return [...ofNetlink, ...ofLegacy];
}

function knownRules(states: readonly (HostState | null)[]): ReadonlySet<string> {
  return new Set(
    states.flatMap((state) => {
      if (state === null) return [];
      const filters = tcFilters(state).map(
        ({ device, fields }) => `${linkNamed(state, device)?.ifindex} ${String(fields['pref'])}`,
      );
      const rules = nftRules(state).rules.map(({ place, fields }) => `${place} ${String(fields['handle'])}`);
      return [...filters, ...rules];
    }),
  );
}

/** Rules that redirect or choose receivers, made during an event and gone before a snapshot. */
export function passingRules(
  { before, after, during = [] }: StepStates,
  changes: readonly RuleChange[],
): readonly Bypass[] {
  const made = changes.flatMap(({ carrying = [] }) => carrying);
  if (made.length === 0) return [];
  const known = knownRules([before, ...during, after]);
  return made
    .filter(({ rule }) => !known.has(rule))
    .map(({ what, place }) => ({
      what,
      where: place,
      remedy: 'an event made it and took it away again before the state was read; leave it until the event is over',
    }));
}

const maxDifferences = 3;

function routedDevices({ observers }: StepPlan): ReadonlySet<string> {
  return new Set(observers.flatMap(({ routed, interface: device }) => (routed === true ? [bareName(device)] : [])));
}

function differencesIn({ from, to, excused }: ReadInterval, devices: ReadonlySet<string>): readonly string[] {
  if (excused.has('routing')) return [];
  const earlier = new Map(statesByHost(from).map(({ host, state }) => [host, state]));
  return statesByHost(to).flatMap(({ host, state }) => {
    const before = earlier.get(host);
    const differences = before === undefined ? [] : routingDifferences(before, state, devices);
    return differences.map((text) => (host === null ? text : `${host}: ${text}`));
  });
}

/** Changed rules and routes, if the host routes to the step's guests. */
export function changedRouting(step: StepPlan, intervals: readonly ReadInterval[]): readonly Reason[] {
  const devices = routedDevices(step);
  return devices.size === 0
    ? []
    : intervals.flatMap((interval) => {
        const differences = differencesIn(interval, devices);
        const more = differences.length - maxDifferences;
        return [
          ...differences.slice(0, maxDifferences),
          ...(more > 0 ? [`${more} more rules and routes changed`] : []),
        ].map((text) => reason('settings-changed', null, `${text}${interval.where}`));
      });
}

function usesObjects({ routes }: FamilyRouting): boolean {
  return objectsOf(routes).some((fields) => fields['nhid'] !== undefined);
}

function takesFrom(addresses: readonly Prefix[], { ipv4, ipv6 }: Routing): (text: string) => boolean {
  const known = ([4, 6] as const).flatMap((family) =>
    objectsOf((family === 4 ? ipv4 : ipv6).routes).flatMap(
      (fields) => prefixOf(textOf(fields['dst']) ?? '', family) ?? [],
    ),
  );
  const longest = (address: Prefix): number =>
    known.reduce((length, route) => (covers(route, address) ? Math.max(length, route.length) : length), 0);
  const open = addresses.map((address) => ({ address, least: longest(address) }));
  return (text) => {
    const prefix = prefixOf(text, text.includes(':') ? 6 : 4);
    return prefix === null || open.some(({ address, least }) => prefix.length >= least && covers(prefix, address));
  };
}

/** Policy routing, routes to guests, nexthops or IPsec policies heard to change though all snapshots agree. */
export function routingPutBack(
  step: StepPlan,
  intervals: readonly ReadInterval[],
  endpoints: readonly Endpoint[],
  changed: readonly string[],
): readonly Reason[] {
  const devices = routedDevices(step);
  const isNone = devices.size === 0 || changed.length === 0;
  if (isNone || intervals.some((interval) => differencesIn(interval, devices).length > 0)) return [];
  const addresses = endpoints.flatMap(({ ips }) =>
    ips.flatMap(({ address, family }) => prefixOf(address, family) ?? []),
  );
  const first = intervals[0]?.from;
  const read = first === undefined ? [] : statesByHost(first).flatMap(({ state }) => state.routing ?? []);
  const taking = read.map((routing) => takesFrom(addresses, routing));
  const hasObjects = read.some(({ ipv4, ipv6 }) => usesObjects(ipv4) || usesObjects(ipv6));
  const isConcerned = (what: string): boolean => {
    if (what.startsWith(routesTo)) return taking.some((takes) => takes(what.slice(routesTo.length)));
    return what === nexthopObjects ? hasObjects : read.length > 0;
  };
  return changed
    .filter(isConcerned)
    .map((what) => reason('settings-changed', null, `${what} changed and were put back`));
}
