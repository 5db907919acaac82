import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOn } from '../row-context.js';

const reserved = /^01:80:c2:00:00:0([0-9a-f])$/;

/**
 * IEEE 802.1D keeps 01:80:c2:00:00:00 to :0f from being forwarded; group_fwd_mask opens them one by one, :00 belongs to
 * STP.
 */
export const linkLocalReserved: Barrier = {
  text: 'a bridge keeps reserved group addresses to the link they were sent on',
  opens: 'the group’s bit in group_fwd_mask; for BPDUs, STP off',
  find({ dstMac, bridge }) {
    const last = reserved.exec(dstMac ?? '')?.[1];
    if (last === undefined) return null;
    if (last === '0') return isOn(bridge.bridge?.['stp_state']) ? `${bridge.name}.stp_state` : null;
    const mask = Number(bridge.bridge?.['group_fwd_mask'] ?? 0);
    return ((mask >> Number.parseInt(last, 16)) & 1) === 0 ? `${bridge.name}.group_fwd_mask` : null;
  },
};
