import { ageingZero } from '../../audit/rules/ageing-zero.js';
import { behindBridge } from '../../audit/rules/behind-bridge.js';
import { bridgePromiscuous } from '../../audit/rules/bridge-promiscuous.js';
import { declaredNotLive } from '../../audit/rules/declared-not-live.js';
import { fdbLimit } from '../../audit/rules/fdb-limit.js';
import { hostForwards, isolatedOneSided } from '../../audit/rules/isolation.js';
import { learningOff, macStealable, notLocked } from '../../audit/rules/learning.js';
import { linkLocalForwarded } from '../../audit/rules/link-local-forwarded.js';
import { mcastRouterPort } from '../../audit/rules/mcast-router-port.js';
import { netfilterSkipped } from '../../audit/rules/netfilter-skipped.js';
import { noQuerier } from '../../audit/rules/no-querier.js';
import {
  backupPort,
  hairpin,
  macBypass,
  neighbourSuppression,
  notForwarding,
  proxyArp,
} from '../../audit/rules/port-flags.js';
import { broadcastFlood, multicastFlood, unknownFlood } from '../../audit/rules/port-floods.js';
import { proxmoxFirewallPort } from '../../audit/rules/proxmox-firewall-port.js';
import { snifferOnHost } from '../../audit/rules/sniffer.js';
import { stpOpen } from '../../audit/rules/stp-open.js';
import { vlanUnfiltered } from '../../audit/rules/vlan-unfiltered.js';
import type { BridgeRule, HostRule } from './rule.js';
import { nftMirror, tcMirror, xdp } from './rules/mirrors.js';
import { ovsFailOpen, ovsFlooding, ovsMirror, ovsProtectedOneSided, ovsSmallTable } from './rules/ovs.js';
import { vmnetPresent, vmnetWritable } from './rules/vmnet.js';

/** Every rule by its id, which is what findings are called. Ids stay. */
export const bridgeRules = {
  'ageing-zero': ageingZero,
  'bridge-promiscuous': bridgePromiscuous,
  'behind-bridge': behindBridge,
  'sniffer-on-host': snifferOnHost,
  'tc-mirror': tcMirror,
  'nft-mirror': nftMirror,
  'xdp-program': xdp,
  'learning-off': learningOff,
  'isolated-one-sided': isolatedOneSided,
  'proxmox-firewall-port': proxmoxFirewallPort,
  'declared-not-live': declaredNotLive,
  'fdb-limit': fdbLimit,
  'unknown-flood': unknownFlood,
  'host-forwards': hostForwards,
  'mcast-router-port': mcastRouterPort,
  'mac-bypass': macBypass,
  'backup-port': backupPort,
  'stp-open': stpOpen,
  'mac-stealable': macStealable,
  'link-local-forwarded': linkLocalForwarded,
  'vlan-unfiltered': vlanUnfiltered,
  'no-querier': noQuerier,
  'multicast-flood': multicastFlood,
  hairpin: hairpin,
  'broadcast-flood': broadcastFlood,
  'not-locked': notLocked,
  'neighbour-suppression': neighbourSuppression,
  'proxy-arp': proxyArp,
  'netfilter-skipped': netfilterSkipped,
  'not-forwarding': notForwarding,
} as const satisfies Readonly<Record<string, BridgeRule>>;

export const hostRules = {
  'vmnet-writable': vmnetWritable,
  'vmnet-present': vmnetPresent,
  'ovs-flooding': ovsFlooding,
  'ovs-mirror': ovsMirror,
  'ovs-protected-one-sided': ovsProtectedOneSided,
  'ovs-fail-open': ovsFailOpen,
  'ovs-small-table': ovsSmallTable,
} as const satisfies Readonly<Record<string, HostRule>>;
