import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOn } from '../row-context.js';

/** The sender's port takes only source MACs that an entry ties to it (BR_PORT_LOCKED, Linux 5.18). */
export const locked: Barrier = {
  text: 'the sender’s port is locked to the MACs of its entries',
  opens: 'locked off at that port, learning on there, or mab',
  find({ fromPort, flow, before, bridge }) {
    if (fromPort === null || flow === null || !isOn(fromPort.port?.['locked'])) return null;
    const known = before.fdb.some(
      (entry) => entry.mac === flow.frame.srcMac && entry.port === fromPort.name && entry.master === bridge.name,
    );
    return known ? null : `${fromPort.name}.locked`;
  },
};
