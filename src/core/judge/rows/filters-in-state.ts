import { isIpHandedOver } from '../../bridge/view.js';
import type { HostState } from '../../model/state.js';
import { actingParts, tcFilters } from '../../bridge/rules.js';

/**
 * Families of nft that act on bridged frames by themselves; those of IP do so where br_netfilter hands frames to them.
 */
const linkFamilies = new Set(['bridge', 'netdev']);

/** Filters that may act on bridged frames, by name: `nft bridge guard`, `tc on vnet0 ingress`; those of IP apart. */
export interface FiltersInState {
  readonly link: readonly string[];
  readonly ip: {
    /** They act on what the host routes. */
    readonly routed: readonly string[];
    /** They act on bridged packets too: br_netfilter hands them over. */
    readonly bridged: readonly string[];
  };
}

/** Names the filters of a state: tables of nft that filter, devices with filters of tc. */
export function filtersInState(state: HostState): FiltersInState {
  const { sysctl, legacyTables = [] } = state;
  const tables = [...new Set(actingParts(state).map(({ table }) => table))];
  const isLink = (table: string): boolean => linkFamilies.has(table.split(' ')[0] ?? '');
  const ofLegacy = (isOfBridge: boolean): readonly string[] =>
    legacyTables
      .filter(({ program }) => (program === 'ebtables-legacy') === isOfBridge)
      .map(({ program, table }) => `${program} ${table}`);
  const routed = [...tables.filter((table) => !isLink(table)).map((table) => `nft ${table}`), ...ofLegacy(false)];
  const onDevices = [...new Set(tcFilters(state).map(({ key }) => `tc on ${key}`))];
  return {
    link: [...tables.filter(isLink).map((table) => `nft ${table}`), ...ofLegacy(true), ...onDevices],
    ip: { routed, bridged: isIpHandedOver(sysctl) ? routed.map((table) => `${table} by br_netfilter`) : [] },
  };
}
