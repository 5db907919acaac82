import type { BridgeFindingCode, HostFindingCode } from '../model/codes.js';
import type { BridgeRule, HostRule } from './rule.js';
import {
  guestsUnbridgedRule,
  macvlanBridgeRule,
  routedLocalRule,
  routedOpenRule,
  routedSpoofableRule,
} from './rules/beside.js';
import { bypassRule } from './rules/bypasses.js';
import { declaredNotLiveRule, proxmoxFirewallPortRule } from './rules/declared-not-live.js';
import { hostForwardsRule, isolatedOneSidedRule, netfilterSkippedRule, vlanUnfilteredRule } from './rules/isolation.js';
import { ageingZeroRule, fdbLimitRule, learningOffRule, macStealableRule, notLockedRule } from './rules/learning.js';
import { nftMirrorRule, tcMirrorRule, xdpRule } from './rules/mirrors.js';
import { mcastRouterPortRule, noQuerierRule } from './rules/multicast.js';
import {
  ovsFailOpenRule,
  ovsFloodingRule,
  ovsMirrorRule,
  ovsProtectedOneSidedRule,
  ovsSmallTableRule,
} from './rules/ovs.js';
import {
  backupPortRule,
  broadcastFloodRule,
  hairpinRule,
  macBypassRule,
  multicastFloodRule,
  neighbourSuppressionRule,
  notForwardingRule,
  proxyArpRule,
  unknownFloodRule,
} from './rules/port-flags.js';
import { behindBridgeRule, bridgePromiscuousRule, snifferOnHostRule } from './rules/promiscuous.js';
import { linkLocalForwardedRule, stpOpenRule } from './rules/stp.js';
import { vmnetPresentRule, vmnetWritableRule } from './rules/vmnet.js';

/** Every rule by its id, which is what findings are called. */
export const bridgeRules: Readonly<Record<BridgeFindingCode, BridgeRule>> = {
  'ageing-zero': ageingZeroRule,
  'bridge-promiscuous': bridgePromiscuousRule,
  'behind-bridge': behindBridgeRule,
  'sniffer-on-host': snifferOnHostRule,
  'tc-mirror': tcMirrorRule,
  'nft-mirror': nftMirrorRule,
  'xdp-program': xdpRule,
  'bypass-possible': bypassRule,
  'learning-off': learningOffRule,
  'isolated-one-sided': isolatedOneSidedRule,
  'proxmox-firewall-port': proxmoxFirewallPortRule,
  'declared-not-live': declaredNotLiveRule,
  'fdb-limit': fdbLimitRule,
  'unknown-flood': unknownFloodRule,
  'host-forwards': hostForwardsRule,
  'mcast-router-port': mcastRouterPortRule,
  'mac-bypass': macBypassRule,
  'backup-port': backupPortRule,
  'stp-open': stpOpenRule,
  'mac-stealable': macStealableRule,
  'link-local-forwarded': linkLocalForwardedRule,
  'vlan-unfiltered': vlanUnfilteredRule,
  'no-querier': noQuerierRule,
  'multicast-flood': multicastFloodRule,
  hairpin: hairpinRule,
  'broadcast-flood': broadcastFloodRule,
  'not-locked': notLockedRule,
  'neighbour-suppression': neighbourSuppressionRule,
  'proxy-arp': proxyArpRule,
  'netfilter-skipped': netfilterSkippedRule,
  'not-forwarding': notForwardingRule,
};

export const hostRules: Readonly<Record<HostFindingCode, HostRule>> = {
  'macvlan-bridge': macvlanBridgeRule,
  'routed-spoofable': routedSpoofableRule,
  'routed-local': routedLocalRule,
  'routed-open': routedOpenRule,
  'guests-unbridged': guestsUnbridgedRule,
  'vmnet-writable': vmnetWritableRule,
  'vmnet-present': vmnetPresentRule,
  'ovs-flooding': ovsFloodingRule,
  'ovs-mirror': ovsMirrorRule,
  'ovs-protected-one-sided': ovsProtectedOneSidedRule,
  'ovs-fail-open': ovsFailOpenRule,
  'ovs-small-table': ovsSmallTableRule,
};
