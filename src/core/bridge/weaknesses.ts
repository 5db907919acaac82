import type { AuditId, CauseCode, FoundCauseCode } from '../model/codes.js';
import type { Change } from '../model/fabric.js';
import type { GroupCause } from '../model/result.js';
import type { Snapshot } from '../model/state.js';
import type { BridgeView } from './view.js';
import { type Audited, type Explained, type FixCost, prices, type RuleFinding } from './weakness.js';
import { copyInTunnel, nat, reflectedByUplink, rewritten } from './weaknesses/altered.js';
import { bypassPossible } from './weaknesses/bypasses.js';
import { acceptedBefore, dockerIsolation, networksJoined } from './weaknesses/networks-apart.js';
import { broadcastFlood, groupFlood, multicastFlood, unknownFlood } from './weaknesses/flooding.js';
import {
  bridgeChainSkipped,
  isolatedOneSided,
  netfilterSkipped,
  notIsolated,
  proxmoxFirewallPort,
} from './weaknesses/isolation.js';
import { agedOut, ageingZero, fdbFull, fdbLimit, learningOff } from './weaknesses/learning.js';
import { aboveBridge, macvlanBridge } from './weaknesses/lower-devices.js';
import { mirror, nftMirror, tcMirror, xdpProgram } from './weaknesses/mirrors.js';
import { mcastRouterPort, member, noQuerier } from './weaknesses/multicast.js';
import {
  ovsFloodFlow,
  ovsFlooding,
  ovsFloodVlans,
  ovsSmallTable,
  ovsTableFull,
  ovsUnknownFlood,
} from './weaknesses/ovs-floods.js';
import { ovsFailOpen, ovsMirror, ovsProtected, ovsProtectedOneSided } from './weaknesses/ovs.js';
import { backupPort, hairpin, neighbourSuppression, notForwarding, proxyArp } from './weaknesses/port-flags.js';
import { behindBridge, bridgePromiscuous, snifferOnHost } from './weaknesses/promiscuous.js';
import {
  hostForwards,
  policyRoute,
  routedLocal,
  routedOpen,
  routedSpoofable,
  rpFilterOff,
} from './weaknesses/routes.js';
import { macBypass, macMoved, macStealable, notLocked, sourceUnchecked } from './weaknesses/sources.js';
import { linkLocalForwarded, stpOpen } from './weaknesses/stp.js';
import { guestsUnbridged, vmnetPresent, vmnetWritable } from './weaknesses/unexamined.js';
import { vlanShared, vlanUnfiltered, vniShared } from './weaknesses/vlan.js';
import { listText, someText } from '../text/names.js';

/**
 * Every weakness by code, the most specific first: the order of search for causes, and of findings of one severity. A
 * new one also takes a file or object in weaknesses/.
 */
export const weaknesses: Readonly<Record<FoundCauseCode, Explained> & Record<AuditId, Audited>> = {
  mirror,
  'tc-mirror': tcMirror,
  'nft-mirror': nftMirror,
  'xdp-program': xdpProgram,
  'bypass-possible': bypassPossible,
  'above-bridge': aboveBridge,
  'macvlan-bridge': macvlanBridge,
  'reflected-by-uplink': reflectedByUplink,
  'docker-isolation': dockerIsolation,
  'networks-joined': networksJoined,
  'accepted-before': acceptedBefore,
  nat,
  rewritten,
  'copy-in-tunnel': copyInTunnel,
  'vni-shared': vniShared,
  'ovs-mirror': ovsMirror,
  'ovs-flood-flow': ovsFloodFlow,
  'ovs-flood-vlans': ovsFloodVlans,
  'ovs-flooding': ovsFlooding,
  'ovs-protected': ovsProtected,
  'ovs-protected-one-sided': ovsProtectedOneSided,
  'ovs-table-full': ovsTableFull,
  'ovs-small-table': ovsSmallTable,
  'ovs-unknown-flood': ovsUnknownFlood,
  'ovs-fail-open': ovsFailOpen,
  'ageing-zero': ageingZero,
  'bridge-promiscuous': bridgePromiscuous,
  'behind-bridge': behindBridge,
  'mac-moved': macMoved,
  'mac-stealable': macStealable,
  'fdb-full': fdbFull,
  'fdb-limit': fdbLimit,
  'aged-out': agedOut,
  'learning-off': learningOff,
  'policy-route': policyRoute,
  'rp-filter-off': rpFilterOff,
  'routed-spoofable': routedSpoofable,
  'routed-local': routedLocal,
  'host-forwards': hostForwards,
  'routed-open': routedOpen,
  'stp-open': stpOpen,
  'link-local-forwarded': linkLocalForwarded,
  'vlan-unfiltered': vlanUnfiltered,
  'vlan-shared': vlanShared,
  member,
  'mcast-router-port': mcastRouterPort,
  'no-querier': noQuerier,
  'source-unchecked': sourceUnchecked,
  'not-locked': notLocked,
  'mac-bypass': macBypass,
  'unknown-flood': unknownFlood,
  'group-flood': groupFlood,
  'broadcast-flood': broadcastFlood,
  'multicast-flood': multicastFlood,
  'not-isolated': notIsolated,
  'isolated-one-sided': isolatedOneSided,
  'proxmox-firewall-port': proxmoxFirewallPort,
  'bridge-chain-skipped': bridgeChainSkipped,
  'netfilter-skipped': netfilterSkipped,
  'sniffer-on-host': snifferOnHost,
  'backup-port': backupPort,
  hairpin,
  'neighbour-suppression': neighbourSuppression,
  'proxy-arp': proxyArp,
  'not-forwarding': notForwarding,
  'guests-unbridged': guestsUnbridged,
  'vmnet-writable': vmnetWritable,
  'vmnet-present': vmnetPresent,
};

const byCode: ReadonlyMap<string, Partial<Explained & Audited>> = new Map(Object.entries(weaknesses));

function isFoundCause(code: string): code is FoundCauseCode {
  return byCode.get(code)?.cause !== undefined;
}

export function isCauseCode(code: string): code is CauseCode {
  return code === 'unexplained' || isFoundCause(code);
}

export function isAuditId(code: string): code is AuditId {
  return byCode.get(code)?.finding !== undefined;
}

export const causeCodes: readonly FoundCauseCode[] = [...byCode.keys()].filter(isFoundCause);
export const auditIds: readonly AuditId[] = [...byCode.keys()].filter(isAuditId);

/** Findings on a bridge. Empty for host rules. */
export function findingsOn(code: AuditId, view: BridgeView, snapshot: Snapshot): readonly RuleFinding[] {
  const { finding } = weaknesses[code];
  return 'onBridge' in finding ? finding.onBridge(view, snapshot) : [];
}

/** Findings on the host. Empty for bridge rules. */
export function findingsOnHost(code: AuditId, snapshot: Snapshot): readonly RuleFinding[] {
  const { finding } = weaknesses[code];
  return 'onHost' in finding ? finding.onHost(snapshot) : [];
}

const unexplained = {
  meaning:
    'Nothing in the state around the step accounts for the leak. Look at the state files of the evidence, and report it.',
  phrase: () => 'nothing in the settings that were read explains it',
} as const;

/** The meaning of a cause or finding, on any host. */
export function weaknessMeaning(code: CauseCode | AuditId): string {
  return code === 'unexplained' ? unexplained.meaning : weaknesses[code].meaning;
}

interface FoundFix {
  readonly place: string;
  readonly fix: string;
  readonly changes?: readonly Change[];
}

function costOf(code: GroupCause['code'] | AuditId, fix: FoundFix): FixCost | null {
  const { cause, finding } = byCode.get(code) ?? {};
  const cost = finding?.cost ?? cause?.cost ?? null;
  if (cost === null || fix.fix === '') return null;
  return typeof cost === 'function' ? cost(fix) : cost;
}

export function fixCost(code: GroupCause['code'] | AuditId, fix: FoundFix): string | null {
  return costOf(code, fix)?.text ?? null;
}

/** The price of a fix. Unknown ones are in the middle. */
export function fixPrice(code: GroupCause['code'], fix: FoundFix): number {
  return prices[costOf(code, fix)?.price ?? 'silence'];
}

/** The device of a place: `br0` of `br0.ageing_time`, the name behind `dev` or `on`, else the place itself. */
export function deviceInPlace(place: string): string {
  return /^[^ ]+(?=\.[^. ]+( |$))/.exec(place)?.[0] ?? place;
}

function devicesText(names: readonly string[]): string {
  return names.length <= 3 ? listText(names) : someText(names, 2, 0, 'more ports');
}

/** True if leaks of two bridges are two groups. */
export function isOfBridge(code: GroupCause['code']): boolean {
  return isFoundCause(code) && weaknesses[code].cause.isOfBridge === true;
}

/** The way of the bridge itself to the observer. Null = another way, as a rule's copy. */
export function forwardingOf(code: GroupCause['code']): 'table' | 'setting' | null {
  return isFoundCause(code) ? (weaknesses[code].cause.forwards ?? null) : null;
}

type PhrasedCause = Pick<GroupCause, 'places' | 'value' | 'text'> & { readonly code: GroupCause['code'] | AuditId };

/** A main clause: `br0 is a hub (ageing_time 0)`. */
export function causePhrase({ code, places, value, text }: PhrasedCause): string {
  if (!isCauseCode(code)) return text;
  const devices = [...new Set(places.map(deviceInPlace))];
  const { phrase } = code === 'unexplained' ? unexplained : weaknesses[code].cause;
  return phrase({ devices: devicesText(devices), isOne: devices.length === 1, place: places[0] ?? '', value });
}
