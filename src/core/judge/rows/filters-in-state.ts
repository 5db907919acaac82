import type { HostState } from '../../model/state.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';

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

/** Rules of nft, and chains that drop what no rule of theirs accepts. */
function filtering(nft: unknown): readonly Readonly<Record<string, unknown>>[] {
  return objectsOf(fieldsOf(nft)?.['nftables']).flatMap((part) => [
    ...objectsOf([part['rule']]),
    ...objectsOf([part['chain']]).filter((chain) => textOf(chain['policy']) === 'drop'),
  ]);
}

/** Names the filters of a state: tables of nft that filter, devices with filters of tc. */
export function filtersInState({ nft, tc, sysctl, legacyTables = [] }: HostState): FiltersInState {
  const tables = [
    ...new Set(filtering(nft).map((part) => `${textOf(part['family']) ?? ''} ${textOf(part['table']) ?? ''}`)),
  ];
  const isLink = (table: string): boolean => linkFamilies.has(table.split(' ')[0] ?? '');
  const ofLegacy = (isOfBridge: boolean): readonly string[] =>
    legacyTables
      .filter(({ program }) => (program === 'ebtables-legacy') === isOfBridge)
      .map(({ program, table }) => `${program} ${table}`);
  const routed = [...tables.filter((table) => !isLink(table)).map((table) => `nft ${table}`), ...ofLegacy(false)];
  const handedOver =
    sysctl['net.bridge.bridge-nf-call-iptables'] === '1' || sysctl['net.bridge.bridge-nf-call-ip6tables'] === '1';
  const onDevices = Object.entries(fieldsOf(fieldsOf(tc)?.['filters']) ?? {})
    .filter(([, filters]) => objectsOf(filters).length > 0)
    .map(([place]) => `tc on ${place}`);
  return {
    link: [...tables.filter(isLink).map((table) => `nft ${table}`), ...ofLegacy(true), ...onDevices],
    ip: { routed, bridged: handedOver ? routed.map((table) => `${table} by br_netfilter`) : [] },
  };
}
