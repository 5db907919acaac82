import type { BridgeRule, HostRule } from './rule.js';
import { declaredNotLive, proxmoxFirewallPort } from './rules/declared-not-live.js';
import { hostForwards, isolatedOneSided, netfilterSkipped, vlanUnfiltered } from './rules/isolation.js';
import { ageingZero, fdbLimit, learningOff, macStealable, notLocked } from './rules/learning.js';
import { nftMirror, tcMirror, xdp } from './rules/mirrors.js';
import { mcastRouterPort, noQuerier } from './rules/multicast.js';
import { ovsFailOpen, ovsFlooding, ovsMirror, ovsProtectedOneSided, ovsSmallTable } from './rules/ovs.js';
import {
  backupPort,
  broadcastFlood,
  hairpin,
  macBypass,
  multicastFlood,
  neighbourSuppression,
  notForwarding,
  proxyArp,
  unknownFlood,
} from './rules/port-flags.js';
import { behindBridge, bridgePromiscuous, snifferOnHost } from './rules/promiscuous.js';
import { linkLocalForwarded, stpOpen } from './rules/stp.js';
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
