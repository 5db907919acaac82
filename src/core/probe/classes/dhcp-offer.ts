import { broadcastMac, documentation, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'dhcp-offer': true;
  }
}

/**
 * Broadcast DHCP offers, as by a guest that plays the server (RFC 2131), to a client and transaction that do not exist.
 */
export const dhcpOffer: ProbeClass = {
  name: 'dhcp-offer',
  meaning: 'A DHCP offer from a guest, by broadcast.',
  attack: 'DHCP offers',
  addressee: 'optional',
  maySee: 'uplink-and-host',
  severity: 'high',
  provokes: [],
  defaultCarriers: () => ['ipv4-udp'],
  flows({ from, to, carrier, vlan }, { entry, endpoints }) {
    const srcIp = from.ips.find((ip) => ip.family === 4)?.address ?? documentation.ipv4[0];
    const frame = frameSpec(
      {
        carrier,
        vlan,
        srcMac: from.macs[0],
        dstMac: broadcastMac,
        srcIp,
        dstIp: '255.255.255.255',
        form: 'dhcp-offer',
      },
      entry,
    );
    const may = namesByRole(endpoints.values(), from.bridge, ['uplink', 'host']);
    return [{ from: from.name, to: to?.name ?? null, sender: from.name, frame, must: [], may, judged: true }];
  },
};
