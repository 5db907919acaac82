import type { HostState } from '../../model/state.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';

/** A table of nftables by family and name. */
export interface TableName {
  readonly family: string;
  readonly name: string;
}

function devicesOf(chain: unknown): readonly string[] {
  if (typeof chain === 'string') return [chain];
  return Array.isArray(chain) ? chain.filter((device) => typeof device === 'string') : [];
}

/**
 * Tables whose rules act on the bridge's frames and can stand in the twin: those of family bridge, and those of netdev
 * whose devices are all there.
 */
export function copiedTables(
  state: HostState,
  devices: ReadonlySet<string>,
): { readonly tables: readonly TableName[]; readonly missing: readonly string[] } {
  const parts = objectsOf(fieldsOf(state.nft)?.['nftables']);
  const chains = parts.flatMap((part) => objectsOf([part['chain']]));
  const tables: TableName[] = [];
  const missing: string[] = [];
  for (const table of parts.flatMap((part) => objectsOf([part['table']]))) {
    const [family, name] = [textOf(table['family']), textOf(table['name'])];
    if (family === null || name === null) continue;
    const bound = chains
      .filter((chain) => chain['family'] === family && chain['table'] === name)
      .flatMap((chain) => devicesOf(chain['dev']));
    if (
      family === 'bridge' ||
      (family === 'netdev' && bound.length > 0 && bound.every((device) => devices.has(device)))
    )
      tables.push({ family, name });
    else if (family === 'netdev')
      missing.push(
        `the nft table netdev ${name}: it is on ${bound.filter((device) => !devices.has(device)).join(', ') || 'no device'}`,
      );
    else if (
      objectsOf(parts.map((part) => part['rule'])).some((rule) => rule['family'] === family && rule['table'] === name)
    )
      missing.push(
        `the nft table ${family} ${name}: it sees IP that the host routes, and bridged IP only through br_netfilter`,
      );
  }
  return { tables, missing };
}

/** Rules that iptables' or ebtables' own extensions carry out: nft prints them and cannot read them back. */
export function isReadable(text: string): boolean {
  return !/\bxt (match|target)\b|managed by (ip|ip6|eb|arp)tables/.test(text);
}
