import { broadcastMac, ipPair, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'arp-request': true;
  }
}

/** ARP requests (RFC 826) for an address of `to`: broadcast to every port with `bcast_flood`. */
export const arpRequest: ProbeClass = {
  name: 'arp-request',
  meaning: 'The question of IPv4 for a MAC, which goes to all endpoints.',
  addressee: 'required',
  maySee: 'bridge',
  severity: 'low',
  defaultCarriers: () => ['arp'],
  flows({ from, to, carrier, vlan }, { entry, endpoints }) {
    if (to === null) return [];
    const frame = frameSpec(
      { carrier, vlan, srcMac: from.macs[0], dstMac: broadcastMac, ...ipPair(carrier, from, to) },
      entry,
    );
    const may = namesByRole(endpoints.values(), from.bridge, ['guest', 'uplink', 'host']);
    return [{ from: from.name, to: to.name, sender: from.name, frame, must: [], may, judged: true }];
  },
};
