import { broadcastMac, documentation, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { FlowDraft, ProbeClass } from '../probe-class.js';
import { restoreOwner } from '../restore-owner.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'arp-spoof': true;
  }
}

/**
 * Claims the address of `to`, as gratuitous request (RFC 5227 3) and unsolicited reply, both broadcast. At the end the
 * owner announces itself.
 */
export const arpSpoof: ProbeClass = {
  name: 'arp-spoof',
  meaning: "ARP replies that nobody asked for, with another's address.",
  attack: 'forged ARP',
  addressee: 'required',
  maySee: 'uplink-and-host',
  severity: 'high',
  provokes: [],
  defaultCarriers: () => ['arp'],
  flows({ from, to, carrier, vlan }, { entry, endpoints }) {
    if (to === null) return [];
    const victim = to.ips.find((ip) => ip.family === 4)?.address ?? documentation.ipv4[1];
    const may = namesByRole(endpoints.values(), from.bridge, ['uplink', 'host']);
    const forged = (
      [
        ['gratuitous', {}],
        ['reply', { form: 'arp-reply' }],
      ] as const
    ).map(([variant, form]): FlowDraft => {
      const frame = frameSpec(
        { carrier, vlan, srcMac: from.macs[0], dstMac: broadcastMac, srcIp: victim, dstIp: victim, ...form },
        entry,
      );
      return { from: from.name, to: to.name, sender: from.name, frame, must: [], may, judged: true, variant };
    });
    return [...forged, ...restoreOwner(to, entry, vlan)];
  },
};
