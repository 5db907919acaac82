import { isIpHandedOver } from '../../bridge/view.js';
import type { HostState } from '../../model/state.js';
import { injectionDevice } from '../../model/timeline.js';
import { actingParts, tcFilters } from '../../bridge/rules.js';

const isOwn = (device: string): boolean => injectionDevice.exec(device)?.[1] === '';

/** These act on bridged frames. IP's families do so if br_netfilter passes frames to them. */
const linkFamilies = new Set(['bridge', 'netdev']);

/** Filters that may act on bridged frames: `nft bridge guard`, `tc on vnet0 ingress`. IP's are separate. */
export interface FiltersInState {
  readonly link: readonly string[];
  readonly ip: {
    readonly routed: readonly string[];
    readonly bridged: readonly string[];
  };
}

/** Filtering nft tables and devices with tc filters. */
export function filtersInState(state: HostState): FiltersInState {
  const { sysctl, legacyTables = [] } = state;
  const tables = [...new Set(actingParts(state).map(({ table }) => table))];
  const isLink = (table: string): boolean => linkFamilies.has(table.split(' ')[0] ?? '');
  const ofLegacy = (isOfBridge: boolean): readonly string[] =>
    legacyTables
      .filter(({ program }) => (program === 'ebtables-legacy') === isOfBridge)
      .map(({ program, table }) => `${program} ${table}`);
  const routed = [...tables.filter((table) => !isLink(table)).map((table) => `nft ${table}`), ...ofLegacy(false)];
  const onDevices = [
    ...new Set(tcFilters(state).flatMap(({ device, key }) => (isOwn(device) ? [] : [`tc on ${key}`]))),
  ];
  return {
    link: [...tables.filter(isLink).map((table) => `nft ${table}`), ...ofLegacy(true), ...onDevices],
    ip: { routed, bridged: isIpHandedOver(sysctl) ? routed.map((table) => `${table} by br_netfilter`) : [] },
  };
}
