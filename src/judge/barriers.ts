import type { Barrier } from './barriers/barrier.js';
import { filter } from './barriers/filter.js';
import { floodOff } from './barriers/flood-off.js';
import { forwardingOff } from './barriers/forwarding-off.js';
import { bcastFloodOff, mcastFloodOff } from './barriers/group-flood-off.js';
import { guard } from './barriers/guard.js';
import { isolated } from './barriers/isolated.js';
import { learnedEntry } from './barriers/learned-entry.js';
import { linkLocalReserved } from './barriers/link-local-reserved.js';
import { locked } from './barriers/locked.js';
import { membersKnown } from './barriers/members-known.js';
import { otherBridge } from './barriers/other-bridge.js';
import { ovsProtectedPorts } from './barriers/ovs-protected.js';
import { ownAddress } from './barriers/own-address.js';
import { permanentEntry } from './barriers/permanent-entry.js';
import { routedElsewhere } from './barriers/routed-elsewhere.js';
import { sourcePort } from './barriers/source-port.js';
import { staticEntry } from './barriers/static-entry.js';
import { stickyEntry } from './barriers/sticky-entry.js';
import { vlanFiltering } from './barriers/vlan-filtering.js';

/** Every barrier by code, those that stop most first. A new one is one file and one line here. */
export const barriers = {
  'other-bridge': otherBridge,
  'source-port': sourcePort,
  'vlan-filtering': vlanFiltering,
  isolated: isolated,
  'ovs-protected': ovsProtectedPorts,
  locked: locked,
  guard: guard,
  'forwarding-off': forwardingOff,
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
  'own-address': ownAddress,
} as const satisfies Readonly<Record<string, Barrier>>;

/** Told where no setting of the bridge is in the way of what did not arrive. */
export const lastBarriers = {
  filter: filter,
  unexplained: {
    text: 'nothing in the state around the step accounts for it',
    opens: 'unknown: find out what stopped the frames before relying on it',
    find: () => '',
  },
} as const satisfies Readonly<Record<string, Barrier>>;

/** Codes of everything that a result may name as a barrier. */
export const barrierCodes: readonly string[] = [...Object.keys(barriers), 'filter'];

/** What a barrier is and what opens it; null for a code that is none. */
export function barrierOf(code: string): Pick<Barrier, 'text' | 'opens'> | null {
  return new Map<string, Barrier>([...Object.entries(barriers), ['filter', lastBarriers.filter]]).get(code) ?? null;
}
