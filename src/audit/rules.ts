import type { BridgeRule, HostRule } from './rule.js';
import { ageingZero } from './rules/ageing-zero.js';
import { behindBridge } from './rules/behind-bridge.js';
import { bridgePromiscuous } from './rules/bridge-promiscuous.js';
import { declaredNotLive } from './rules/declared-not-live.js';
import { fdbLimit } from './rules/fdb-limit.js';
import { hostForwards, isolatedOneSided } from './rules/isolation.js';
import { learningOff, macStealable, notLocked } from './rules/learning.js';
import { linkLocalForwarded } from './rules/link-local-forwarded.js';
import { mcastRouterPort } from './rules/mcast-router-port.js';
import { nftMirror, tcMirror, xdp } from './rules/mirrors.js';
import { netfilterSkipped } from './rules/netfilter-skipped.js';
import { noQuerier } from './rules/no-querier.js';
import { ovsFailOpen, ovsFlooding, ovsMirror, ovsProtectedOneSided, ovsSmallTable } from './rules/ovs.js';
import { backupPort, hairpin, macBypass, neighbourSuppression, notForwarding, proxyArp } from './rules/port-flags.js';
import { broadcastFlood, multicastFlood, unknownFlood } from './rules/port-floods.js';
import { proxmoxFirewallPort } from './rules/proxmox-firewall-port.js';
import { snifferOnHost } from './rules/sniffer.js';
import { stpOpen } from './rules/stp-open.js';
import { vlanUnfiltered } from './rules/vlan-unfiltered.js';
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
