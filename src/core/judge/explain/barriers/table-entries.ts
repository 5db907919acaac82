import { entriesOf } from '../../../bridge/host.js';
import type { FdbState } from '../../../model/state.js';
import { isUnicast, type RowContext } from '../../../bridge/row-context.js';
import type { Barrier } from './barrier.js';

/** The entry stands before and after the probes, or is learned with the first of them. */
function steeringEntry(row: RowContext): FdbState | null {
  const { entries, after, bridge, port, observer, dstMac } = row;
  const learned = entriesOf(after, dstMac).filter(({ state, master }) => state === 'dynamic' && master === bridge.name);
  const [entry] = entries.length > 0 ? entries : learned;
  if (entry === undefined || !isUnicast(row) || observer === null || observer.place === 'relay') return null;
  const stays = entriesOf(after, dstMac).some((known) => known.port === entry.port && known.state === entry.state);
  const leadsHere = (known: FdbState): boolean =>
    known.port === (port?.name ?? bridge.name) && (port === null || known.state !== 'permanent');
  return !stays || [entry, ...entries].some(leadsHere) ? null : entry;
}

function entryPlace({ mac, port }: FdbState): string {
  return `fdb ${mac} dev ${port}`;
}

/** The bridge sends to the learned port alone. */
export const learnedEntry: Barrier = {
  text: 'the bridge has learned where the addressee is',
  opens: 'an ageing time of 0, an addressee silent for longer than that, or a sender that uses its MAC',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'dynamic' ? entryPlace(entry) : null;
  },
};

/**
 * The bridge takes frames for a local entry itself and forwards none, also not to the entry's port
 * (br_handle_frame_finish, BR_FDB_LOCAL). Without a MAC of its own it has a port's (br_stp_recalculate_bridge_id).
 */
export const permanentEntry: Barrier = {
  text: 'a permanent entry makes the MAC the bridge’s own',
  opens: 'its removal, or the bridge’s own MAC becoming another',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'permanent' && row.finding.class !== 'routed-bounce' ? entryPlace(entry) : null;
  },
};

/** A static entry does not age. Unless sticky, it moves to a sender that uses the MAC. */
export const staticEntry: Barrier = {
  text: 'a static entry says where the addressee is',
  opens: 'a sender that uses the addressee’s MAC: the entry moves to its port',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'static' && !entry.flags.includes('sticky') ? entryPlace(entry) : null;
  },
};

/** A static entry that does not move either (NTF_STICKY of linux/neighbour.h). */
export const stickyEntry: Barrier = {
  text: 'a sticky static entry says where the addressee is',
  opens: 'its removal only',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'static' && entry.flags.includes('sticky') ? entryPlace(entry) : null;
  },
};
