import { hostOf } from '../model/host-names.js';
import type { HostState } from '../model/state.js';
import { type Fields, fieldsOf } from '../text/json-text.js';
import { isIpHandedOver } from './view.js';
import { nftRules } from './rules.js';

/** `nft -j` prints only their names. They treat an ICMP error as its packets. */
const indifferent: readonly unknown[] = ['comment', 'physdev', 'mac', 'addrtype', 'iprange', 'set'];
/** Alike in all packets of two guests. */
const lowerHeaders: readonly unknown[] = ['ether', 'vlan', 'arp'];
/** Alike in an ICMP error and its packet. */
const addressFields: readonly unknown[] = ['saddr', 'daddr', 'version'];

function readsFurther({ protocol, field }: Fields): boolean {
  if (lowerHeaders.includes(protocol)) return false;
  return !((protocol === 'ip' || protocol === 'ip6') && addressFields.includes(field));
}

/** Reads conntrack, protocol, hop limit, length, or fields behind the addresses. */
function distinguishes(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(distinguishes);
  const fields = fieldsOf(value);
  if (fields === null) return false;
  const [payload, meta] = [fieldsOf(fields['payload']), fieldsOf(fields['meta'])];
  return (
    'ct' in fields ||
    fields['kind'] === 'ct' ||
    (payload !== null && readsFurther(payload)) ||
    meta?.['key'] === 'l4proto' ||
    meta?.['key'] === 'length' ||
    ['ip_proto', 'ip_ttl', 'ip_flags'].some((key) => key in fields) ||
    (fields['type'] === 'match' && !indifferent.includes(fields['name'])) ||
    Object.values(fields).some(distinguishes)
  );
}

/** ovs-fields(7). */
const flowPattern = /\b(ct(_state|_mark|_label)?[(=]|icmp|udp|tcp|sctp|nw_(proto|ttl|frag)|tp_)/;

/** IP rules see bridged packets only through br_netfilter. */
function distinguishesBridged(state: HostState): boolean {
  const { links, tc, sysctl, legacyTables = [] } = state;
  const isForIp = isIpHandedOver(sysctl) || links.some(({ bridge }) => bridge !== null && isIpHandedOver({}, bridge));
  return (
    nftRules(state).rules.some(({ family, parts }) => (isForIp || family === 'bridge') && distinguishes(parts)) ||
    distinguishes(fieldsOf(tc)?.['filters']) ||
    // Matches of legacy rules are not read
    (isForIp && legacyTables.some(({ program }) => program !== 'ebtables-legacy'))
  );
}

/**
 * Bridges whose rules may treat an ICMP error unlike its packets: by conntrack, which finds it invalid
 * (nf_conntrack_inet_error, net/netfilter/nf_conntrack_proto_icmp.c), or by protocol. A lost error then shows no
 * barrier.
 */
export function distinguishingBridges(state: HostState, names: readonly string[]): readonly string[] {
  const isBridged = distinguishesBridged(state);
  const elsewhere = distinguishes(fieldsOf(state.nft)?.['hosts']);
  const flowsOf = (name: string): readonly string[] =>
    state.ovs?.bridges.find((bridge) => bridge.name === name)?.flows ?? [];
  const isDistinguished = (name: string): boolean => (hostOf(name) === null ? isBridged : elsewhere);
  return names.filter((name) => isDistinguished(name) || flowsOf(name).some((flow) => flowPattern.test(flow)));
}
