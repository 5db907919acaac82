import type { FrameSpec } from '../core/model/plan.js';

/**
 * The group that a frame is for, as `bridge mdb` names it: its IP group, else its group MAC; null for broadcast and
 * unicast.
 */
export function groupAddress({ dstIp, dstMac }: FrameSpec): string | null {
  if (dstMac === 'ff:ff:ff:ff:ff:ff' || (Number.parseInt(dstMac.slice(0, 2), 16) & 1) === 0) return null;
  return dstIp ?? dstMac;
}
