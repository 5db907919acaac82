import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOff, isUnicast, type RowContext } from '../row-context.js';

const broadcast = 'ff:ff:ff:ff:ff:ff';

/** What the host itself sends passes these two flags (br_flood of net/bridge/br_forward.c). */
function switchOff(row: RowContext, key: 'bcast_flood' | 'mcast_flood'): string | null {
  const { port, fromPort, dstMac } = row;
  const meant = dstMac !== null && !isUnicast(row) && (dstMac === broadcast) === (key === 'bcast_flood');
  return port !== null && fromPort !== null && meant && isOff(port.port?.[key]) ? `${port.name}.${key}` : null;
}

/** The observer's port takes no broadcasts. */
export const bcastFloodOff: Barrier = {
  text: 'the observer’s port takes no broadcasts',
  opens: 'bcast_flood on at that port; what the host itself broadcasts passes it anyway',
  find: (row) => switchOff(row, 'bcast_flood'),
};

/** The observer's port takes no multicast that nobody there joined. */
export const mcastFloodOff: Barrier = {
  text: 'the observer’s port takes no unregistered multicast',
  opens: 'mcast_flood on at that port, a membership there, or its becoming a multicast router port',
  find: (row) => switchOff(row, 'mcast_flood'),
};
