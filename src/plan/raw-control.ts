import type { Mac } from '../core/model/mac.js';
import type { FrameSpec } from '../core/model/plan.js';

/** Addresses of ear controls: locally administered, nobody's, so that a guest's stack drops what it gets. */
export const earControlMac = { src: '02:76:69:ff:ff:fd', dst: '02:76:69:ff:ff:fe' } as const;

/** What entry controls and the simplest ear controls look like. */
export function rawControl(srcMac: Mac, dstMac: Mac = earControlMac.dst): FrameSpec {
  return { carrier: 'raw', srcMac, dstMac, vlan: [], srcIp: null, dstIp: null, size: 60 };
}
