import type { ProbeClassName } from '../model/scenario.js';
import { agedUnicast } from './aged-unicast.js';
import { arpRequest } from './arp-request.js';
import { arpSpoof } from './arp-spoof.js';
import { broadcast } from './broadcast.js';
import { dhcpOffer } from './dhcp-offer.js';
import { gatewaySteal } from './gateway-steal.js';
import { igmpQuery } from './igmp-query.js';
import { ipSpoof } from './ip-spoof.js';
import { knownUnicast } from './known-unicast.js';
import { linkLocalMulticast } from './link-local-multicast.js';
import { macFlood } from './mac-flood.js';
import { macSpoof } from './mac-spoof.js';
import { macSteal } from './mac-steal.js';
import { multicast } from './multicast.js';
import type { ProbeClass } from './probe-class.js';
import { raSpoof } from './ra-spoof.js';
import { routedBounce } from './routed-bounce.js';
import { stpRoot } from './stp-root.js';
import { unknownUnicast } from './unknown-unicast.js';
import { vlanHop } from './vlan-hop.js';

/** Every probe class by name. A new one is one file and one line here. */
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
};
