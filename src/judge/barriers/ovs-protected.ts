import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { ovsLeak } from '../../core/judge/explain/causes/ovs.js';

/**
 * Both ports of Open vSwitch are protected: it hands nothing from one to the other (ovs-vswitchd.conf.db(5), column
 * protected).
 */
export const ovsProtectedPorts: Barrier = {
  text: 'both ports are protected',
  opens: 'protected=false on either port, or a flow that outputs to one',
  find(row) {
    const found = ovsLeak(row);
    return found?.from?.columns['protected'] === true && found.port?.columns['protected'] === true
      ? `${found.from.name}.protected, ${found.port.name}.protected`
      : null;
  },
};
