import type { HostState } from '../../model/state.js';
import { addTo, once } from '../../text/collections.js';
import type { NftRule } from '../rules.js';
import { baseChainsOf, type Listing, listingOf, ownSelector, waysToChain } from './copy-rules.js';
import { allOf, type Selector } from './selector.js';

const ipFamilies: readonly string[] = ['ip', 'ip6', 'inet'];

/** The device that frames enter and leave by, if the selector asks for nothing else. */
function onlyDevice({ constraints, devices, unknown }: Selector): string | null {
  if (unknown.length > 0 || constraints.some(({ field }) => field !== 'etherType')) return null;
  const [device = '', ...others] = new Set(devices.flatMap(({ names }) => names));
  const sides = new Set(devices.map(({ side }) => side));
  const isOne = others.length === 0 && sides.size === 2 && !device.endsWith('*');
  return isOne && devices.every(({ isNegated }) => !isNegated) ? device : null;
}

function hasVerdict({ statements }: NftRule, ...verdicts: readonly string[]): boolean {
  return statements.some(([name]) => verdicts.includes(name));
}

function devicesOf(rule: NftRule, listing: Listing): readonly string[] {
  if (!ipFamilies.includes(rule.family) || !hasVerdict(rule, 'accept', 'drop', 'reject')) return [];
  const selector = ownSelector(rule, listing);
  if (selector.unknown.length > 0 || selector.devices.length === 0) return [];
  if (!baseChainsOf(rule, listing).some(({ hook }) => hook === 'forward')) return [];
  return waysToChain(rule.place, listing).flatMap((way) => onlyDevice(allOf([way, selector])) ?? []);
}

const byDevice = once((listing: Listing): ReadonlyMap<string, readonly NftRule[]> => {
  const rules = new Map<string, NftRule[]>();
  for (const rule of listing.rules) for (const device of new Set(devicesOf(rule, listing))) addTo(rules, device, rule);
  return rules;
});

/**
 * Rules of IP's families that drop all that leaves a bridge where it came in: guests are to be kept apart, as by Docker
 * without `icc`. Empty if another rule accepts the same.
 */
export function dropsWithin(state: Pick<HostState, 'nft'>, bridge: string): readonly NftRule[] {
  const within = byDevice(listingOf(state)).get(bridge) ?? [];
  if (within.some((rule) => hasVerdict(rule, 'accept'))) return [];
  return within.filter((rule) => hasVerdict(rule, 'drop', 'reject'));
}
