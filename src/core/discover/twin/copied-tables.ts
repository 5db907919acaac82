import type { HostState } from '../../model/state.js';
import { textOf } from '../../text/json-text.js';
import { nftRules } from '../../bridge/rules.js';
import { skippedChains } from '../../bridge/weaknesses/isolation.js';

export interface TableName {
  readonly family: string;
  readonly name: string;
}

/** In a twin rules come after br_netfilter. */
function passedBy(state: HostState): readonly string[] {
  return skippedChains(state).map(
    ({ fields: { prio }, place }) =>
      `the order of nft ${place} and br_netfilter: IP and ARP pass by a chain of priority ${String(prio)} if br_netfilter came later. Use -200`,
  );
}

/** Tables for the twin that act on the bridge's frames: of family bridge, and of netdev if all devices are there. */
export function copiedTables(
  state: HostState,
  devices: ReadonlySet<string>,
): { readonly tables: readonly TableName[]; readonly missing: readonly string[] } {
  const { rules, chains, listed } = nftRules(state);
  const tables: TableName[] = [];
  const missing = [...passedBy(state)];
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
