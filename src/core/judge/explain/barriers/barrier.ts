import { filtersInState } from '../../rows/filters-in-state.js';
import { isRouted, type RowContext } from '../../../bridge/row-context.js';

/** What can stand between a sender and an observer. */
export interface Barrier {
  /** What it does, in a few words that follow "because". */
  readonly text: string;
  /** What would take it away. */
  readonly opens: string;
  /** Where the state shows it in the way of a row's frames; null = it is not. */
  readonly find: (row: RowContext) => string | null;
}

/**
 * Rules of nft or tc. Which of them acted cannot be distinguished from the state: named where nothing else is in the
 * way.
 */
export const filter: Barrier = {
  text: 'a filter, since no setting of the bridge is in the way',
  opens:
    'frames that its rules do not name: other EtherTypes, fragments, extension headers; or the rules being loaded anew',
  find(row) {
    const { before, finding } = row;
    const { link, ip } = filtersInState(before);
    let acting = finding.carrier === 'raw' ? link : [...link, ...ip.bridged];
    if (isRouted(row)) acting = ip.routed;
    return acting.length === 0 ? null : acting.join(', ');
  },
};
