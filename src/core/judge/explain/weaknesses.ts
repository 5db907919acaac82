import type { AuditId, CauseCode, FoundCauseCode } from '../../model/codes.js';
import type { Change } from '../../model/fabric.js';
import type { GroupCause } from '../../model/result.js';
import { copyInTunnel, nat, reflectedByUplink, rewritten } from './causes/altered.js';
import { groupFlood, stpOpen, unknownFlood } from './causes/flooding.js';
import { hostForwards, notIsolated, rpFilterOff, sourceUnchecked } from './causes/isolation.js';
import { agedOut, ageingZero, behindBridge, fdbFull, learningOff, macMoved } from './causes/learning.js';
import { aboveBridge, macvlanBridge, mirror, snifferOnHost } from './causes/mirror.js';
import { mcastRouterPort, member, noQuerier } from './causes/multicast.js';
import { ovsFloodFlow, ovsFloodVlans, ovsMirror, ovsProtected, ovsTableFull, ovsUnknownFlood } from './causes/ovs.js';
import { vlanShared, vlanUnfiltered, vniShared } from './causes/vlan.js';
import { type FixCost, prices, type Weakness } from './causes/weakness.js';

/** Every cause by code. A new one is its object in a file of causes/, its line here and its code in the model. */
export const weaknesses: Readonly<Record<FoundCauseCode, Weakness>> = {
  mirror: mirror,
  'above-bridge': aboveBridge,
  'macvlan-bridge': macvlanBridge,
  'reflected-by-uplink': reflectedByUplink,
  nat: nat,
  rewritten: rewritten,
  'copy-in-tunnel': copyInTunnel,
  'vni-shared': vniShared,
  'ovs-mirror': ovsMirror,
  'ovs-flood-flow': ovsFloodFlow,
  'ovs-flood-vlans': ovsFloodVlans,
  'ovs-protected': ovsProtected,
  'ovs-table-full': ovsTableFull,
  'ovs-unknown-flood': ovsUnknownFlood,
  'ageing-zero': ageingZero,
  'behind-bridge': behindBridge,
  'mac-moved': macMoved,
  'fdb-full': fdbFull,
  'aged-out': agedOut,
  'learning-off': learningOff,
  'rp-filter-off': rpFilterOff,
  'host-forwards': hostForwards,
  'stp-open': stpOpen,
  'vlan-unfiltered': vlanUnfiltered,
  'vlan-shared': vlanShared,
  member: member,
  'mcast-router-port': mcastRouterPort,
  'no-querier': noQuerier,
  'source-unchecked': sourceUnchecked,
  'unknown-flood': unknownFlood,
  'group-flood': groupFlood,
  'not-isolated': notIsolated,
  'sniffer-on-host': snifferOnHost,
};

/** Where nothing accounts for a leak. */
const unexplained = {
  meaning:
    'Nothing in the state around the step accounts for the leak. Look at the state files of the evidence, and report it.',
  phrase: () => 'nothing in the settings that were read explains it',
} as const;

export function isCauseCode(code: string): code is CauseCode {
  return code === 'unexplained' || Object.hasOwn(weaknesses, code);
}

/** What a cause of a leak means, whatever host it was seen on. */
export function causeMeaning(code: CauseCode): string {
  return code === 'unexplained' ? unexplained.meaning : weaknesses[code].meaning;
}

/** Where a cause was found, and what is to be changed there. */
interface FoundFix {
  readonly place: string;
  /** Empty = there is none. */
  readonly fix: string;
  readonly changes?: readonly Change[];
}

/** What the fix of a cause costs; null = it has no fix, or none that costs anything known. */
function costOf(code: GroupCause['code'], found: FoundFix): FixCost | null {
  if (!isCauseCode(code) || code === 'unexplained' || found.fix === '') return null;
  const { cost } = weaknesses[code];
  return typeof cost === 'function' ? cost(found) : cost;
}

/** The same in a sentence. */
export function fixCost(code: GroupCause['code'], found: FoundFix): string | null {
  return costOf(code, found)?.text ?? null;
}

/** How much the fix of a cause takes from guests, as a number to compare; one of which that is not known is in the middle. */
export function fixPrice(code: GroupCause['code'], found: FoundFix): number {
  return prices[costOf(code, found)?.price ?? 'silence'];
}

/** The device that a place is about: `br0` of `br0.ageing_time`, the name behind `dev` or `on`, else the place itself. */
function deviceOf(place: string): string {
  return /^[^ ]+(?=\.[^. ]+( |$))/.exec(place)?.[0] ?? place;
}

/** Two names, or one and how many more. */
function devicesText(names: readonly string[]): string {
  if (names.length <= 3)
    return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more ports`;
}

/** What a phrase is made of, of a cause or of a finding of the audit. */
type PhrasedCause = Pick<GroupCause, 'places' | 'value' | 'text'> & { readonly code: GroupCause['code'] | AuditId };

/** A cause as a main clause, with the devices and values that it shows at: `br0 is a hub (ageing_time 0)`. */
export function causePhrase({ code, places, value, text }: PhrasedCause): string {
  if (!isCauseCode(code)) return text;
  const devices = [...new Set(places.map(deviceOf))];
  const { phrase } = code === 'unexplained' ? unexplained : weaknesses[code];
  return phrase({ devices: devicesText(devices), isOne: devices.length === 1, place: places[0] ?? '', value });
}
