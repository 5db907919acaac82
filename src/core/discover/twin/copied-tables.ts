import type { HostState } from '../../model/state.js';
import { textOf } from '../../text/json-text.js';
import { type NftChain, nftRules } from '../../bridge/rules.js';
import { isHandedOver } from '../../bridge/view.js';

export interface TableName {
  readonly family: string;
  readonly name: string;
}

/**
 * Chains that IP and ARP pass by if br_netfilter came later: br_nf_hook_thresh (net/bridge/br_netfilter_hooks.c) leaves
 * out priority 0. Before Linux 6.7 its hook for IP has priority -1. In a twin rules come later.
 */
function passedBy(state: HostState, chains: Iterable<NftChain>): readonly string[] {
  const tables = ['iptables', 'ip6tables', 'arptables'] as const;
  const isLoaded = [{}, ...state.links.map(({ bridge }) => bridge ?? {})].some((settings) =>
    tables.some((table) => isHandedOver(table, settings, state.sysctl)),
  );
  if (!isLoaded) return [];
  return [...chains].flatMap(({ family, hook, fields: { prio }, place }) =>
    family === 'bridge' && hook === 'forward' && (prio === 0 || prio === -1)
      ? [
          `the order of nft ${place} and br_netfilter: IP and ARP pass by a chain of priority ${prio} if br_netfilter came later. Use -200`,
        ]
      : [],
  );
}

/** Tables for the twin that act on the bridge's frames: of family bridge, and of netdev if all devices are there. */
export function copiedTables(
  state: HostState,
  devices: ReadonlySet<string>,
): { readonly tables: readonly TableName[]; readonly missing: readonly string[] } {
  const { rules, chains, listed } = nftRules(state);
  const tables: TableName[] = [];
  const missing = [...passedBy(state, chains.values())];
  for (const table of listed('table')) {
    const [family, name] = [textOf(table['family']), textOf(table['name'])];
    if (family === null || name === null) continue;
    const isOf = (part: { readonly table: string }): boolean => part.table === `${family} ${name}`;
    const bound = [...chains.values()].filter(isOf).flatMap((chain) => chain.devices);
    if (
      family === 'bridge' ||
      (family === 'netdev' && bound.length > 0 && bound.every((device) => devices.has(device)))
    )
      tables.push({ family, name });
    else if (family === 'netdev')
      missing.push(
        `the nft table netdev ${name}: it is on ${bound.filter((device) => !devices.has(device)).join(', ') || 'no device'}`,
      );
    else if (rules.some(isOf))
      missing.push(
        `the nft table ${family} ${name}: it sees IP that the host routes, and bridged IP only through br_netfilter`,
      );
  }
  return { tables, missing };
}

/** False of rules by extensions of iptables or ebtables: nft prints them and cannot read them back. */
export function isReadable(text: string): boolean {
  return !/\bxt (match|target)\b|managed by (ip|ip6|eb|arp)tables/.test(text);
}
