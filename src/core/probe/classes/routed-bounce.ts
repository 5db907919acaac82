import { hostMac, ipPair, namesByRole, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'routed-bounce': true;
  }
}

/**
 * IP packets for `to` in frames to the bridge's MAC: a forwarding host (ip_forward) carries them past the bridge's
 * barriers, with other MACs and a smaller hop limit.
 */
export const routedBounce: ProbeClass = {
  name: 'routed-bounce',
  meaning: "An IP packet for another guest in a frame for the bridge's own MAC: the host may route it.",
  attack: 'packets by way of the host',
  addressee: 'required',
  maySee: 'host',
  severity: 'medium',
  defaultCarriers: (from, to) => unicastCarriers(from, to).filter((carrier) => carrier !== 'raw'),
  flows({ from, to, carrier, vlan }, { entry, endpoints, bridgeMacs }) {
    if (to === null) return [];
    const frame = frameSpec(
      { carrier, vlan, srcMac: from.macs[0], dstMac: hostMac(from, bridgeMacs), ...ipPair(carrier, from, to) },
      entry,
    );
    const may = [...new Set([from, to].flatMap(({ bridge }) => namesByRole(endpoints.values(), bridge, ['host'])))];
    return [{ from: from.name, to: to.name, sender: from.name, frame, must: [], may, judged: true }];
  },
};
