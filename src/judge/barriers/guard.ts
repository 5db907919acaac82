import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOn } from '../row-context.js';

/** The guest's port takes no BPDU (guard closes it), or none that would make it the way to the root (root_block). */
export const guard: Barrier = {
  text: 'the guest’s port takes no BPDU, or no better root',
  opens: 'guard and root_block off at that port',
  find({ finding, fromPort }) {
    if (finding.class !== 'stp-root' || fromPort === null) return null;
    const key = (['guard', 'root_block'] as const).find((one) => isOn(fromPort.port?.[one]));
    return key === undefined ? null : `${fromPort.name}.${key}`;
  },
};
