import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'stp-root': true;
  }
}

/**
 * One BPDU better than any bridge's. With STP on, a bridge without guard takes the guest for the root (which the judge
 * finds in the state); with STP off it passes the BPDU to other guests. A guard closes the guest's port.
 */
export const stpRoot: ProbeClass = {
  name: 'stp-root',
  meaning: 'A superior BPDU from a guest, which wants to be the root bridge.',
  attack: 'BPDUs that claim the root',
  addressee: 'none',
  maySee: 'unforeseeable',
  severity: 'medium',
  provokes: ['not-forwarding', 'settings-changed'],
  defaultCarriers: () => ['raw'],
  flows({ from, carrier, vlan }, { entry }) {
    const frame = frameSpec(
      { carrier, vlan, srcMac: from.macs[0], dstMac: '01:80:c2:00:00:00', srcIp: null, dstIp: null, form: 'bpdu' },
      entry,
    );
    return [{ from: from.name, to: null, sender: from.name, frame, must: [], may: [], judged: true, count: 1 }];
  },
};
