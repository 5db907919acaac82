import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { entryPlace, steeringEntry } from './entry.js';

/** A static entry that does not move either (NTF_STICKY of linux/neighbour.h). */
export const stickyEntry: Barrier = {
  text: 'a sticky static entry says where the addressee is',
  opens: 'its removal only',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'static' && entry.flags.includes('sticky') ? entryPlace(entry) : null;
  },
};
