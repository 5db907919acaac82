import { ipPair, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly broadcast: true;
  }
}

/** Frames to ff:ff:ff:ff:ff:ff, sent to every port with `bcast_flood`. As ARP: a request for an unused address. */
export const broadcast: ProbeClass = {
  name: 'broadcast',
  meaning: 'Frames to all endpoints.',
  addressee: 'none',
  maySee: 'bridge',
  severity: 'low',
  defaultCarriers: () => ['raw', 'ipv4-udp'],
  flows({ from, carrier, vlan }, { entry, endpoints }) {
    const frame = frameSpec(
      { carrier, vlan, srcMac: from.macs[0], dstMac: 'ff:ff:ff:ff:ff:ff', ...ipPair(carrier, from, null) },
      entry,
    );
    const may = namesByRole(endpoints.values(), from.bridge, ['guest', 'uplink', 'host']);
    return [{ from: from.name, to: null, sender: from.name, frame, must: [], may, judged: true }];
  },
};
