import { filtersInState } from '../../rows/filters-in-state.js';
import { isRouted, type RowContext } from '../../../bridge/row-context.js';

/** A possible barrier between sender and observer. */
export interface Barrier {
  /** Follows "because". */
  readonly text: string;
  readonly opens: string;
  readonly find: (row: RowContext) => string | null;
}

/** Rules of nft or tc. The state does not show which acted: named only without another barrier. */
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
