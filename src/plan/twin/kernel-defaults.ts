import type { Settings } from '../../model/scenario.js';

/** What a new bridge has (net/bridge/br_device.c and br_multicast.c): such a setting need not be written down. */
export const bridgeDefaults: Settings = {
  ageing_time: 30_000, stp_state: 0, vlan_filtering: 0, vlan_protocol: '802.1Q', vlan_default_pvid: 1, vlan_stats_enabled: 0, vlan_stats_per_port: 0, mst_enabled: 0,
  priority: 32_768, fdb_max_learned: 0, group_fwd_mask: '0', group_addr: '01:80:c2:00:00:00', no_linklocal_learn: 0,
  mcast_snooping: 1, mcast_vlan_snooping: 0, mcast_query_use_ifaddr: 0, mcast_querier: 0, mcast_router: 1, mcast_hash_max: 4096, mcast_stats_enabled: 0,
  mcast_igmp_version: 2, mcast_mld_version: 1, mcast_last_member_cnt: 2, mcast_startup_query_cnt: 2, mcast_last_member_intvl: 100, mcast_membership_intvl: 26_000,
  mcast_querier_intvl: 25_500, mcast_query_intvl: 12_500, mcast_query_response_intvl: 1000, mcast_startup_query_intvl: 3125,
  nf_call_iptables: 0, nf_call_ip6tables: 0, nf_call_arptables: 0,
};

/** What a new port has (net/bridge/br_if.c, new_nbp). */
export const portDefaults: Settings = {
  priority: 32, hairpin: false, guard: false, root_block: false, fastleave: false, learning: true, flood: true, mcast_flood: true, bcast_flood: true, mcast_to_unicast: false,
  proxy_arp: false, proxy_arp_wifi: false, neigh_suppress: false, neigh_vlan_suppress: false, vlan_tunnel: false, isolated: false, locked: false, mab: false,
  multicast_router: 1, group_fwd_mask: '0',
};
