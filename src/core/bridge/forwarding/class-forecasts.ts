import type { ProbeClassName } from '../../model/scenario.js';
import { allNodes, arpBroadcast, bpdu, broadcast, linkLocal, multicast, queried } from './classes/groups.js';
import { macFlood, theft } from './classes/theft.js';
import { agedUnicast, ipSpoof, knownUnicast, macSpoof, routedBounce, unknownUnicast } from './classes/unicast.js';
import { vlanHop } from './classes/vlan-hop.js';
import type { ClassForecast } from './forecast.js';

/**
 * Whom the pair of a prediction is about. `third`: what `from` sends to somebody else; `thief`, the same, after the
 * observer stole or flooded; `direct`: what `from` sends to the observer, or to everybody.
 */
export type Question = 'direct' | 'third' | 'thief';

/** How each class of probe is predicted. */
export const classForecasts: Readonly<
  Record<ProbeClassName, { readonly forecast: ClassForecast; readonly question: Question }>
> = {
  'known-unicast': { forecast: knownUnicast, question: 'third' },
  'aged-unicast': { forecast: agedUnicast, question: 'third' },
  'unknown-unicast': { forecast: unknownUnicast, question: 'direct' },
  broadcast: { forecast: broadcast, question: 'direct' },
  'arp-request': { forecast: arpBroadcast, question: 'direct' },
  'link-local-multicast': { forecast: linkLocal, question: 'direct' },
  multicast: { forecast: multicast, question: 'direct' },
  'vlan-hop': { forecast: vlanHop, question: 'direct' },
  'routed-bounce': { forecast: routedBounce, question: 'direct' },
  'mac-spoof': { forecast: macSpoof, question: 'direct' },
  'ip-spoof': { forecast: ipSpoof, question: 'direct' },
  'mac-steal': { forecast: theft, question: 'thief' },
  'gateway-steal': { forecast: theft, question: 'thief' },
  'mac-flood': { forecast: macFlood, question: 'thief' },
  'arp-spoof': { forecast: arpBroadcast, question: 'direct' },
  'ra-spoof': { forecast: allNodes, question: 'direct' },
  'dhcp-offer': { forecast: broadcast, question: 'direct' },
  'igmp-query': { forecast: queried, question: 'thief' },
  'stp-root': { forecast: bpdu, question: 'direct' },
};
