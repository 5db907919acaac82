import type { ProbeClassName } from '../model/scenario.js';
import { agedUnicast } from './classes/aged-unicast.js';
import { arpRequest } from './classes/arp-request.js';
import { arpSpoof } from './classes/arp-spoof.js';
import { broadcast } from './classes/broadcast.js';
import { dhcpOffer } from './classes/dhcp-offer.js';
import { frame } from './classes/frame.js';
import { gatewaySteal } from './classes/gateway-steal.js';
import { igmpQuery } from './classes/igmp-query.js';
import { ipSpoof } from './classes/ip-spoof.js';
import { knownUnicast } from './classes/known-unicast.js';
import { linkLocalMulticast } from './classes/link-local-multicast.js';
import { macFlood } from './classes/mac-flood.js';
import { macSpoof } from './classes/mac-spoof.js';
import { macSteal } from './classes/mac-steal.js';
import { multicast } from './classes/multicast.js';
import { raSpoof } from './classes/ra-spoof.js';
import { routedBounce } from './classes/routed-bounce.js';
import { stpRoot } from './classes/stp-root.js';
import { unknownUnicast } from './classes/unknown-unicast.js';
import { vlanHop } from './classes/vlan-hop.js';
import type { ProbeClass } from './probe-class.js';

/** Every probe class. A new one takes a file and a line here. */
export const classes: Readonly<Record<ProbeClassName, ProbeClass>> = {
  'known-unicast': knownUnicast,
  'aged-unicast': agedUnicast,
  'unknown-unicast': unknownUnicast,
  broadcast,
  'arp-request': arpRequest,
  'link-local-multicast': linkLocalMulticast,
  multicast,
  'vlan-hop': vlanHop,
  'routed-bounce': routedBounce,
  'mac-spoof': macSpoof,
  'ip-spoof': ipSpoof,
  'mac-steal': macSteal,
  'gateway-steal': gatewaySteal,
  'mac-flood': macFlood,
  'arp-spoof': arpSpoof,
  'ra-spoof': raSpoof,
  'dhcp-offer': dhcpOffer,
  'igmp-query': igmpQuery,
  'stp-root': stpRoot,
  frame,
};

export function isProbeClass(name: string): name is ProbeClassName {
  return Object.hasOwn(classes, name);
}

/** In the order of reports and of help. */
export const scenarioClasses: readonly ProbeClassName[] = Object.keys(classes).filter(isProbeClass);

/** Without the class of a scenario's own frames. */
export const probeClasses: readonly ProbeClassName[] = scenarioClasses.filter((name) => name !== 'frame');

/** Classes that disturb guests: they need `allow_disruptive`, and are slower by default. */
export const disruptiveClasses: readonly ProbeClassName[] = probeClasses.filter(
  (name) => classes[name].provokes !== undefined,
);

/** On a host a scenario's own frame may be any attack. */
export const hostDisruptiveClasses: readonly ProbeClassName[] = [...disruptiveClasses, 'frame'];

/** Classes that `--class all` may send beyond harmless ones. */
export interface CatalogueAllowance {
  readonly disruptive: boolean;
  /** Unknown source MACs may leave by an uplink. */
  readonly newMacs: boolean;
}

/**
 * The classes of `--class all`: without `aged-unicast`, which waits for the ageing time; with an uplink also without
 * BPDUs, as the switch beyond may shut its port.
 */
export function catalogueClasses(
  { disruptive, newMacs }: CatalogueAllowance,
  hasUplink: boolean,
): readonly ProbeClassName[] {
  return probeClasses.filter(
    (name) =>
      name !== 'aged-unicast' &&
      (disruptive || !disruptiveClasses.includes(name)) &&
      (!hasUplink || (name !== 'stp-root' && (newMacs || classes[name].newMacs !== true))),
  );
}
