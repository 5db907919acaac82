import { documentation, familyOf, ipPair, macTowards, unicastCarriers } from '../addresses.js';
import { envelopes } from '../frames/forms.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'ip-spoof': true;
  }
}

/** Packets of the guest's MAC with a documentation address as source. Not even the addressee may get them. */
export const ipSpoof: ProbeClass = {
  name: 'ip-spoof',
  meaning: "Packets with a source address that is not the guest's, plain, in fragments, behind an extension header.",
  attack: 'packets with a forged source address',
  addressee: 'required',
  maySee: 'nobody',
  severity: 'medium',
  defaultCarriers: (from, to) => unicastCarriers(from, to).filter((carrier) => carrier !== 'raw'),
  flows({ from, to, carrier, vlan }, { entry, bridgeMacs }) {
    if (to === null) return [];
    const family = familyOf(carrier);
    const { dstIp } = ipPair(carrier, from, to);
    const spoofed = family === 4 ? documentation.spoofed4 : documentation.spoofed6;
    const srcIp = family === null ? null : spoofed;
    return envelopes(carrier).map((envelope) => {
      const frame = frameSpec(
        {
          carrier,
          vlan,
          srcMac: from.macs[0],
          dstMac: macTowards(from, to, carrier, bridgeMacs),
          srcIp,
          dstIp,
          ...envelope,
        },
        entry,
      );
      return { from: from.name, to: to.name, sender: from.name, frame, must: [], may: [], judged: true, ...envelope };
    });
  },
};
