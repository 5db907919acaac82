import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isUnicast } from '../row-context.js';

/**
 * The host's stack, and a program that carries frames for a guest behind the bridge, take frames for their own
 * addresses only (PACKET_OTHERHOST is dropped by ip_rcv).
 */
export const ownAddress: Barrier = {
  text: 'who is behind the bridge device takes frames for its own addresses only',
  opens: 'a program that listens or hands on promiscuously there',
  find(row) {
    const { observer, dstMac } = row;
    const foreign =
      isUnicast(row) &&
      observer !== null &&
      observer.place !== 'port' &&
      dstMac !== row.bridge.mac &&
      dstMac !== null &&
      !observer.macs.includes(dstMac);
    return foreign ? `${observer.interface}` : null;
  },
};
