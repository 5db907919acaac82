import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { sameSegment } from '../../core/model/host-names.js';

/** Sender and observer hang on different bridges. */
export const otherBridge: Barrier = {
  text: 'sender and observer are on different bridges',
  opens: 'a link between the two bridges, or a host that forwards between them',
  find: ({ from, bridge, finding }) =>
    from === null || sameSegment(from, { bridge: bridge.name }) || finding.class === 'routed-bounce'
      ? null
      : `${from.bridge}, ${bridge.name}`,
};
