import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { entryPlace, steeringEntry } from './entry.js';

/** A local entry: the bridge takes the frames up itself (br_handle_frame_finish, BR_FDB_LOCAL) and floods none. */
export const permanentEntry: Barrier = {
  text: 'a permanent entry makes the MAC the bridge’s own',
  opens: 'its removal, or the bridge’s own MAC becoming another',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'permanent' && row.finding.class !== 'routed-bounce' ? entryPlace(entry) : null;
  },
};
