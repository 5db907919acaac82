import { inventedMac, ipPair, macTowards, unicastCarriers } from '../addresses.js';
import { envelopes } from '../frames/forms.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'mac-spoof': true;
  }
}

/**
 * Frames with an unused source MAC, the subject of "port security", "MAC filter" and "forged transmits". Not even the
 * addressee may get them.
 */
export const macSpoof: ProbeClass = {
  name: 'mac-spoof',
  meaning: "Frames with a source MAC that is not the guest's.",
  attack: 'frames with a forged source MAC',
  newMacs: true,
  addressee: 'required',
  maySee: 'nobody',
  severity: 'medium',
  defaultCarriers: unicastCarriers,
  flows({ from, to, carrier, vlan }, { entry, runTag, ordinal, bridgeMacs }) {
    if (to === null) return [];
    return envelopes(carrier).map((envelope) => {
      const frame = frameSpec(
        {
          carrier,
          vlan,
          srcMac: inventedMac(runTag, ordinal),
          dstMac: macTowards(from, to, carrier, bridgeMacs),
          ...ipPair(carrier, from, to),
          ...envelope,
        },
        entry,
      );
      return { from: from.name, to: to.name, sender: from.name, frame, must: [], may: [], judged: true, ...envelope };
    });
  },
};
