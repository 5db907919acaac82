import { isGroupMacText } from '../../wire/ethernet.js';
import { type OvsFlow, writtenBy } from './ovs-flows.js';

const coarse = /^(?:in_port|dl_vlan|vlan_vid|metadata|x{0,2}reg\d+)$/;
const priorityBits = 0xe000;

/** True of port, VLAN and registers. Tag 0 is none (ovs-fields(7), vlan_tci). */
export function isCoarse(key: string, value: string | null): boolean {
  if (key !== 'vlan_tci') return coarse.test(key);
  const [tag = '', mask = tag === '' || Number(tag) > 0 ? '0xffff' : '0'] = (value ?? '').split('/');
  return (Number(mask) & priorityBits) === 0;
}

/** Fields that choose no port (ovs-fields(7)). */
export const ofNoPort =
  /^(?:ip_|ipv6_|nw_|arp_|nd_|icmp|tcp_|udp_|sctp_|tp_|tun_|ct_|pkt_mark|dl_vlan_pcp|vlan_pcp|eth_type$|skb_priority|nsh_)/;
/** Actions that neither output nor affect the port (ovs-actions(7)). */
export const idle =
  /^(?:drop|exit|clear_actions|pop_queue|ct_clear|dec_ttl|dec_nsh_ttl|unroll_xlate|next|(?:note|set_queue|meter|set_tunnel|set_tunnel64|mod_nw_\w+|mod_tp_\w+|mod_vlan_pcp|push):.*|(?:conjunction|fin_timeout|dec_ttl)\(.*\))$/is;
/** Changes tag or source (ovs-actions(7)). */
export const changesTag = /^(?:strip_vlan|pop_vlan|push_vlan:.*|mod_vlan_vid:.*|mod_dl_src:.*)$/is;
/** Writes a field (ovs-actions(7)). */
export const writing: ReadonlySet<string> = new Set([
  ...['load', 'set_field', 'write_metadata', 'move', 'mod_dl_dst', 'multipath'],
  ...['bundle_load', 'check_pkt_larger', 'delete_field', 'pop'],
]);

/** An action's name in lower case: `set_field`. */
export function nameOf(action: string): string {
  return /^[a-z_\d]+/i.exec(action)?.[0].toLowerCase() ?? '';
}

/** True if an action may output frames. */
export function isHanding(action: string): boolean {
  return !idle.test(action) && !changesTag.test(action) && !writing.has(nameOf(action));
}

/** True if an action changes address, tag or port. */
export function changesFrame(action: string): boolean {
  if (changesTag.test(action)) return true;
  return (
    writing.has(nameOf(action)) &&
    /^(?:eth_(?:src|dst)|vlan_tci|vlan_vid|dl_vlan|in_port)$/.test(writtenBy(action)?.field ?? 'eth_dst')
  );
}

/** No station sends from a group address (IEEE 802.3 3.2.3). Entering controls do. */
export const isOfStations = ({ match }: OvsFlow): boolean =>
  !match.some(([key, value]) => key === 'dl_src' && value?.includes('/') === false && isGroupMacText(value));
