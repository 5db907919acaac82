/**
 * What each setting of a bridge does, in a line, by its JSON key of `ip -j -d link`; after man ip-link, bridge(8) and
 * Documentation/networking/bridge.rst of the kernel. Editors show them, docs/scenario.md lists them.
 */
export const bridgeSettingMeanings: Readonly<Record<string, string>> = {
  ageing_time: 'How long a learned MAC is remembered. 0: the bridge learns nothing and floods, a hub.',
  forward_delay:
    'How long a port listens and learns before it forwards. With STP on the kernel makes at least 2 s of it.',
  hello_time: 'Time between hello messages of the spanning tree.',
  max_age: 'Age at which a message of the spanning tree lapses.',
  mcast_last_member_intvl: 'Time between queries after a member left a group.',
  mcast_membership_intvl: 'How long a member without a report stays one.',
  mcast_querier_intvl: 'How long without queries until another querier counts as gone.',
  mcast_query_intvl: 'Time between queries of the bridge itself.',
  mcast_query_response_intvl: 'How long members may take to answer a query.',
  mcast_startup_query_intvl: 'Time between the queries at the start.',
  stp_state: 'The spanning tree protocol. Off: BPDUs are frames like others and reach every guest.',
  vlan_filtering: 'Whether the bridge acts on VLAN tags. Off: they are ignored and pass everywhere.',
  mcast_snooping: 'Whether multicast goes to members only, as far as they are known.',
  mcast_vlan_snooping: 'The same for each VLAN by itself.',
  mcast_query_use_ifaddr: 'Whether queries bear the address of the bridge instead of 0.0.0.0.',
  mcast_querier: 'Whether the bridge asks for members itself. Without a querier multicast floods.',
  mcast_stats_enabled: 'Counters of multicast.',
  nf_call_iptables: 'Whether bridged IPv4 passes the rules of iptables.',
  nf_call_ip6tables: 'Whether bridged IPv6 passes the rules of ip6tables.',
  nf_call_arptables: 'Whether bridged ARP passes the rules of arptables.',
  no_linklocal_learn: 'Whether link-local frames teach the bridge nothing.',
  mst_enabled: 'Multiple spanning trees.',
  vlan_stats_enabled: 'Counters for each VLAN.',
  vlan_stats_per_port: 'Counters for each VLAN and port.',
  priority: 'Priority in the election of the root of the spanning tree; the lowest wins.',
  fdb_max_learned: 'The most entries that are learned. A MAC that no longer fits is flooded: the limit fails open.',
  vlan_default_pvid: 'The VLAN that a new port gets; 0: none.',
  mcast_router: 'Whether the bridge itself counts as a multicast router: 0 never, 1 by its queries, 2 always.',
  mcast_hash_max: 'The most groups that are known.',
  mcast_last_member_cnt: 'How many queries after a member left a group.',
  mcast_startup_query_cnt: 'How many queries at the start.',
  mcast_igmp_version: 'Version of IGMP of the queries: 2 or 3.',
  mcast_mld_version: 'Version of MLD of the queries: 1 or 2.',
  group_fwd_mask: 'Reserved link-local groups (01:80:c2:00:00:0X) that are forwarded, as a mask.',
  vlan_protocol: 'EtherType of the tags that are filtered: 802.1Q or 802.1ad.',
  group_addr: 'Address to which messages of the spanning tree go.',
};

/** The same for a bridge's port. */
export const portSettingMeanings: Readonly<Record<string, string>> = {
  hairpin: 'Whether frames may leave by the port on which they came.',
  guard: 'BPDU guard: a BPDU on this port disables it.',
  root_block: 'The guest behind this port can never become the root of the spanning tree.',
  fastleave: 'A member that leaves a group is forgotten at once.',
  learning:
    'Whether source MACs on this port are learned. Off: what is sent to the guest floods, unless an entry says where it is.',
  flood: 'Whether unicast to an unknown MAC is handed to this port.',
  proxy_arp: 'The bridge answers ARP for others on this port.',
  proxy_arp_wifi: 'The same, with what 802.11 and hotspots ask for.',
  mcast_flood: 'Whether multicast of groups without members is handed to this port.',
  bcast_flood: 'Whether broadcast is handed to this port.',
  mcast_to_unicast: 'Multicast is handed to each member as unicast.',
  neigh_suppress: 'ARP and neighbour discovery are answered by the bridge where it knows the answer.',
  neigh_vlan_suppress: 'The same for each VLAN.',
  vlan_tunnel: 'VLANs become tunnels of this port.',
  isolated: 'Isolated ports do not reach one another; one alone is separated from nobody.',
  locked: 'Takes frames only from MACs that have an entry on this port.',
  mab: 'MAC authentication bypass: a locked port notes who asks.',
  priority: 'Priority of the port in the spanning tree.',
  cost: 'Cost of the port in the spanning tree.',
  multicast_router:
    'Whether a multicast router is behind the port, which gets every group: 0 never, 1 by queries, 2 always, 3 by queries for a while.',
  group_fwd_mask: 'The same as of the bridge, for this port.',
  backup_port: 'The port that takes the traffic when the carrier of this one is lost.',
};

/** The same for any link. */
export const linkSettingMeanings: Readonly<Record<string, string>> = {
  mtu: 'Largest packet, in octets, without the Ethernet header.',
  up: 'Whether the interface is up.',
};
