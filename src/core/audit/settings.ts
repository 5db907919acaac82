import type { BridgeView } from '../bridge/view.js';
import type { AuditSetting } from '../model/audit.js';
import type { Settings } from '../model/scenario.js';

/** Bridge settings that decide isolation, by their keys in `ip -j -d link`. */
export const bridgeKeys = [
  'ageing_time',
  'fdb_max_learned',
  'fdb_n_learned',
  'stp_state',
  'group_fwd_mask',
  'vlan_filtering',
  'vlan_default_pvid',
  'vlan_protocol',
  'mcast_snooping',
  'mcast_querier',
  'mcast_router',
  'nf_call_iptables',
  'nf_call_ip6tables',
  'nf_call_arptables',
] as const;

/** The same of ports. */
export const portKeys = [
  'state',
  'flood',
  'bcast_flood',
  'mcast_flood',
  'mcast_to_unicast',
  'learning',
  'isolated',
  'locked',
  'mab',
  'hairpin',
  'neigh_suppress',
  'proxy_arp',
  'guard',
  'root_block',
  'multicast_router',
  'group_fwd_mask',
  'backup_port',
] as const;

/** Keys that iproute2 prints only where they are set: their absence is a value, on kernels that have them. */
const silentWhenUnset: ReadonlySet<string> = new Set(['backup_port']);

function told(name: string, keys: readonly string[], settings: Settings): readonly AuditSetting[] {
  return keys.map((key) => ({
    place: `${name}.${key}`,
    value: settings[key] === undefined ? (silentWhenUnset.has(key) ? 'none' : 'unknown') : String(settings[key]),
  }));
}

/** Every setting of the catalogue for a bridge and its ports; one that the kernel does not tell is `unknown`. */
export function auditSettings({ name, link, settings, ports }: BridgeView): readonly AuditSetting[] {
  return [
    { place: `${name}.promiscuity`, value: link.promiscuity === null ? 'unknown' : String(link.promiscuity) },
    ...told(name, bridgeKeys, settings),
    ...ports.flatMap((port) => told(port.name, portKeys, port.settings)),
  ];
}
