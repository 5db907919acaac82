import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { entryPlace, steeringEntry } from './entry.js';

/**
 * An entry that does not age steers to the addressee's port. It still moves to whoever sends with the MAC, unless it is
 * sticky.
 */
export const staticEntry: Barrier = {
  text: 'a static entry says where the addressee is',
  opens: 'whoever sends with the addressee’s MAC: the entry moves to his port',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'static' && !entry.flags.includes('sticky') ? entryPlace(entry) : null;
  },
};
