import type { FdbState } from '../../model/state.js';
import { isUnicast, type RowContext } from '../row-context.js';

/**
 * The entry that steers a row's frames to another port than the observer's, before the probes and after them alike;
 * null where there is none.
 */
export function steeringEntry(row: RowContext): FdbState | null {
  const { entries, after, port, observer, dstMac } = row;
  const [entry] = entries;
  if (entry === undefined || !isUnicast(row) || observer === null || observer.place === 'relay') return null;
  const stays = after.fdb.some((one) => one.mac === dstMac && one.port === entry.port && one.state === entry.state);
  return !stays || entries.some((one) => one.port === (port?.name ?? row.bridge.name)) ? null : entry;
}

export function entryPlace({ mac, port }: FdbState): string {
  return `fdb ${mac} dev ${port}`;
}
