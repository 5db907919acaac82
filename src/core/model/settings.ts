/**
 * The bridge and bridge-port settings that a scenario may name, a fabric writes and the judge compares.
 *
 * `key` is the JSON key of `ip -j -d link` (iproute2 6.15: ip/iplink_bridge.c, ip/iplink_bridge_slave.c), `option` the
 * word that `ip link set dev X type bridge|bridge_slave` takes (`man ip-link`). A scenario may use either.
 */
export type SettingKind =
  | 'switch' // on/off; bridges print 0 or 1, ports print true or false
  | 'number'
  | 'centiseconds' // a time, counted in 1/100 s
  | 'mask' // a bit mask, printed as hexadecimal text without 0x
  | 'text';

export interface Setting {
  readonly key: string;
  readonly option: string;
  readonly kind: SettingKind;
}

function settings(
  kind: SettingKind,
  names: readonly (string | readonly [key: string, option: string])[],
): readonly Setting[] {
  return names.map((name) => {
    const [key, option] = typeof name === 'string' ? [name, name] : name;
    return { key, option, kind };
  });
}

/** Writable attributes of a bridge (linkinfo.info_data). */
export const bridgeSettings: readonly Setting[] = [
  ...settings('centiseconds', [
    'ageing_time',
    'forward_delay',
    'hello_time',
    'max_age',
    ['mcast_last_member_intvl', 'mcast_last_member_interval'],
    ['mcast_membership_intvl', 'mcast_membership_interval'],
    ['mcast_querier_intvl', 'mcast_querier_interval'],
    ['mcast_query_intvl', 'mcast_query_interval'],
    ['mcast_query_response_intvl', 'mcast_query_response_interval'],
    ['mcast_startup_query_intvl', 'mcast_startup_query_interval'],
  ]),
  ...settings('switch', [
    'stp_state',
    'vlan_filtering',
    'mcast_snooping',
    'mcast_vlan_snooping',
    'mcast_query_use_ifaddr',
    'mcast_querier',
    'mcast_stats_enabled',
    'nf_call_iptables',
    'nf_call_ip6tables',
    'nf_call_arptables',
    'no_linklocal_learn',
    'mst_enabled',
    'vlan_stats_enabled',
    'vlan_stats_per_port',
  ]),
  ...settings('number', [
    'priority',
    'fdb_max_learned',
    'vlan_default_pvid',
    'mcast_router',
    'mcast_hash_max',
    ['mcast_last_member_cnt', 'mcast_last_member_count'],
    ['mcast_startup_query_cnt', 'mcast_startup_query_count'],
    'mcast_igmp_version',
    'mcast_mld_version',
  ]),
  ...settings('mask', ['group_fwd_mask']),
  ...settings('text', ['vlan_protocol', ['group_addr', 'group_address']]),
];

/** Writable attributes of a bridge port (linkinfo.info_slave_data). */
export const portSettings: readonly Setting[] = [
  ...settings('switch', [
    'hairpin',
    'guard',
    'root_block',
    ['fastleave', 'mcast_fast_leave'],
    'learning',
    'flood',
    'proxy_arp',
    'proxy_arp_wifi',
    'mcast_flood',
    'bcast_flood',
    'mcast_to_unicast',
    'neigh_suppress',
    'neigh_vlan_suppress',
    'vlan_tunnel',
    'isolated',
    'locked',
    'mab',
  ]),
  ...settings('number', ['priority', 'cost', ['multicast_router', 'mcast_router']]),
  ...settings('mask', ['group_fwd_mask']),
  ...settings('text', ['backup_port']),
];

/** Attributes of any link that a scenario may set. */
export const linkSettings: readonly Setting[] = [...settings('number', ['mtu']), ...settings('switch', ['up'])];

/** What a setting is of: a bridge, one of its ports, or any link. */
export type SettingPlace = 'bridge' | 'port' | 'link';
