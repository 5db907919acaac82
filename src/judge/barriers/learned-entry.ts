import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { entryPlace, steeringEntry } from './entry.js';

/** The bridge learned where the addressee is, and sends to that port alone. */
export const learnedEntry: Barrier = {
  text: 'the bridge has learned where the addressee is',
  opens:
    'an ageing time of 0, a silence of the addressee for longer than the ageing time, or whoever sends with its MAC',
  find(row) {
    const entry = steeringEntry(row);
    return entry?.state === 'dynamic' ? entryPlace(entry) : null;
  },
};
