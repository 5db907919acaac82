import { type Barrier, filter } from './barriers/barrier.js';
import { type BarrierCode, settingBarrierCodes } from '../../model/codes.js';
import { linkLocalReserved, membersKnown } from './barriers/groups.js';
import {
  bcastFloodOff,
  floodOff,
  guard,
  isolated,
  locked,
  mcastFloodOff,
  ovsProtectedPorts,
} from './barriers/port-flags.js';
import { learnedEntry, permanentEntry, staticEntry, stickyEntry } from './barriers/table-entries.js';
import {
  forwardingOff,
  macvlanAddress,
  macvlanApart,
  notRouted,
  otherBridge,
  ownAddress,
  reversePath,
  routedElsewhere,
  sourcePort,
  vlanFiltering,
} from './barriers/topology.js';

/** Barriers of settings by code. */
export const barriers: Readonly<Record<(typeof settingBarrierCodes)[number], Barrier>> = {
  'other-bridge': otherBridge,
  'source-port': sourcePort,
  'vlan-filtering': vlanFiltering,
  isolated: isolated,
  'ovs-protected': ovsProtectedPorts,
  locked: locked,
  guard: guard,
  'not-routed': notRouted,
  'forwarding-off': forwardingOff,
  'reverse-path': reversePath,
  'routed-elsewhere': routedElsewhere,
  'sticky-entry': stickyEntry,
  'permanent-entry': permanentEntry,
  'static-entry': staticEntry,
  'learned-entry': learnedEntry,
  'flood-off': floodOff,
  'bcast-flood-off': bcastFloodOff,
  'mcast-flood-off': mcastFloodOff,
  'link-local-reserved': linkLocalReserved,
  'members-known': membersKnown,
  'macvlan-apart': macvlanApart,
  'macvlan-address': macvlanAddress,
  'own-address': ownAddress,
};

/** Reported if no bridge setting explains missing frames. */
export const lastBarriers = {
  filter: filter,
  unexplained: {
    text: 'nothing in the state around the step accounts for it',
    opens: 'unknown: find out what stopped the frames before relying on it',
    find: () => '',
  },
} as const satisfies Readonly<Record<Exclude<BarrierCode, keyof typeof barriers>, Barrier>>;

/** Codes of barriers in results. */
export const barrierCodes: readonly BarrierCode[] = [...settingBarrierCodes, 'filter'];

/** A barrier's text and its opening. null = no such code. */
export function barrierOf(code: string): Pick<Barrier, 'text' | 'opens'> | null {
  return new Map<string, Barrier>([...Object.entries(barriers), ['filter', lastBarriers.filter]]).get(code) ?? null;
}
