import { filtersInState } from '../../rows/filters-in-state.js';
import type { Barrier } from './barrier.js';

/** Rules of nft or tc. Which of them acted cannot be told from the state: named where nothing else is in the way. */
export const filter: Barrier = {
  text: 'a filter, since no setting of the bridge is in the way',
  opens:
    'frames that its rules do not name: other EtherTypes, fragments, extension headers; or the rules being loaded anew',
  find({ before, finding }) {
    const { link, ip } = filtersInState(before);
    const acting =
      finding.class === 'routed-bounce' ? ip.all : finding.carrier === 'raw' ? link : [...link, ...ip.bridged];
    return acting.length === 0 ? null : acting.join(', ');
  },
};
