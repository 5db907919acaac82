import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOn } from '../row-context.js';

/**
 * Both ports are isolated: the bridge hands nothing from one to the other (should_deliver of net/bridge/br_forward.c).
 */
export const isolated: Barrier = {
  text: 'both ports are isolated',
  opens: 'isolated off on either port, or a host that forwards between them',
  find({ fromPort, port, bridge, finding }) {
    if (fromPort === null || port === null || fromPort.master !== bridge.name || finding.class === 'routed-bounce')
      return null;
    return isOn(fromPort.port?.['isolated']) && isOn(port.port?.['isolated'])
      ? `${fromPort.name}.isolated, ${port.name}.isolated`
      : null;
  },
};
