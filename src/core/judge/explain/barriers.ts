import { floodOff } from '../../../judge/barriers/flood-off.js';
import { forwardingOff } from '../../../judge/barriers/forwarding-off.js';
import { bcastFloodOff, mcastFloodOff } from '../../../judge/barriers/group-flood-off.js';
import { guard } from '../../../judge/barriers/guard.js';
import { isolated } from '../../../judge/barriers/isolated.js';
import { learnedEntry } from '../../../judge/barriers/learned-entry.js';
import { linkLocalReserved } from '../../../judge/barriers/link-local-reserved.js';
import { locked } from '../../../judge/barriers/locked.js';
import { membersKnown } from '../../../judge/barriers/members-known.js';
import { otherBridge } from '../../../judge/barriers/other-bridge.js';
import { ovsProtectedPorts } from '../../../judge/barriers/ovs-protected.js';
import { ownAddress } from '../../../judge/barriers/own-address.js';
import { permanentEntry } from '../../../judge/barriers/permanent-entry.js';
import { routedElsewhere } from '../../../judge/barriers/routed-elsewhere.js';
import { sourcePort } from '../../../judge/barriers/source-port.js';
import { staticEntry } from '../../../judge/barriers/static-entry.js';
import { stickyEntry } from '../../../judge/barriers/sticky-entry.js';
import { vlanFiltering } from '../../../judge/barriers/vlan-filtering.js';
import type { Barrier } from './barriers/barrier.js';
import { filter } from './barriers/filter.js';

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
