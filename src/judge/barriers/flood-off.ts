import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOff, isUnicast } from '../row-context.js';

/** The observer's port takes no unicast for a MAC that the bridge does not know. */
export const floodOff: Barrier = {
  text: 'the observer’s port takes no unknown unicast',
  opens: 'flood on at that port',
  find(row) {
    const { port, bridge, dstMac, finding } = row;
    return port !== null &&
      finding.class !== 'routed-bounce' &&
      isUnicast(row) &&
      dstMac !== bridge.mac &&
      isOff(port.port?.['flood'])
      ? `${port.name}.flood`
      : null;
  },
};
