import type { Mac } from '../../model/mac.js';
import type { FrameSpec } from '../../model/plan.js';
import type { ProbeEntry } from '../../model/scenario.js';
import { leastSizeOf } from './frame.js';

/** Octets of the smallest Ethernet frame without its FCS (IEEE 802.3: 64 with it). */
const leastFrame = 60;

type Headers = Omit<FrameSpec, 'size' | 'srcMac' | 'dstMac'> & {
  readonly srcMac: Mac | undefined;
  readonly dstMac: Mac | undefined;
};

/** The frame that a class chose, with the scenario's overrides applied and the size that carries a token. */
export function frameSpec(chosen: Headers, entry: ProbeEntry): FrameSpec {
  const least = Math.max(leastFrame, leastSizeOf(chosen));
  const noMac = '00:00:00:00:00:00';
  const hasIp = chosen.srcIp !== null;
  return {
    carrier: chosen.carrier,
    vlan: chosen.vlan,
    srcMac: entry.srcMac ?? chosen.srcMac ?? noMac,
    dstMac: entry.dstMac ?? chosen.dstMac ?? noMac,
    srcIp: hasIp ? (entry.srcIp ?? chosen.srcIp) : null,
    dstIp: hasIp ? (entry.dstIp ?? chosen.dstIp) : null,
    size: Math.max(entry.size ?? least, least),
    ...(chosen.form === undefined ? {} : { form: chosen.form }),
  };
}
