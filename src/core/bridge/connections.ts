import { hostOf } from '../model/host-names.js';
import type { HostState } from '../model/state.js';
import { fieldsOf, objectsOf, textOf } from '../text/json-text.js';
import { isSettingOn } from './view.js';

/** Matches of iptables on what conntrack says (libxt_conntrack, libxt_state), which `nft -j` names only. */
const xtMatches: readonly unknown[] = ['conntrack', 'state', 'connlimit', 'connbytes', 'cluster'];

/** Whether an expression of `nft -j` or an action of `tc -j` asks conntrack, at whatever depth. */
function asksConntrack(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(asksConntrack);
  const fields = fieldsOf(value);
  if (fields === null) return false;
  return (
    'ct' in fields ||
    fields['kind'] === 'ct' ||
    (fields['type'] === 'match' && xtMatches.includes(fields['name'])) ||
    Object.values(fields).some(asksConntrack)
  );
}

/** Families of IP see bridged packets where br_netfilter hands them over. */
function tracksBridged({ links, nft, tc, sysctl, legacyTables = [] }: HostState): boolean {
  const isHandedOver = (['iptables', 'ip6tables'] as const).some(
    (table) =>
      sysctl[`net.bridge.bridge-nf-call-${table}`] === '1' ||
      links.some(({ bridge }) => bridge !== null && isSettingOn(bridge, `nf_call_${table}`) === true),
  );
  const rules = objectsOf(fieldsOf(nft)?.['nftables']).flatMap((part) => objectsOf([part['rule']]));
  return (
    rules.some((rule) => (isHandedOver || textOf(rule['family']) === 'bridge') && asksConntrack(rule['expr'])) ||
    asksConntrack(fieldsOf(tc)?.['filters']) ||
    // What legacy rules match on is not read
    (isHandedOver && legacyTables.some(({ program }) => program !== 'ebtables-legacy'))
  );
}

/**
 * Bridges and segments on which a rule may ask conntrack about what passes: an ICMP error of no connection is invalid
 * there (nf_conntrack_inet_error; net/netfilter/nf_conntrack_proto_icmp.c), and a stateful filter drops it.
 */
export function trackingBridges(state: HostState, names: readonly string[]): readonly string[] {
  const isBridged = tracksBridged(state);
  const elsewhere = asksConntrack(fieldsOf(state.nft)?.['hosts']);
  const flowsOf = (name: string): readonly string[] =>
    state.ovs?.bridges.find((bridge) => bridge.name === name)?.flows ?? [];
  const isTracked = (name: string): boolean => (hostOf(name) === null ? isBridged : elsewhere);
  return names.filter(
    (name) => isTracked(name) || flowsOf(name).some((flow) => /\bct(_state|_mark|_label)?[(=]/.test(flow)),
  );
}
