import type { ProbeClassName } from '../../model/scenario.js';
import {
  predictAllNodes,
  predictArpBroadcast,
  predictBpdu,
  predictBroadcast,
  predictLinkLocal,
  predictMulticast,
  predictQueried,
} from './classes/groups.js';
import { predictMacFlood, predictTheft } from './classes/theft.js';
import {
  predictAgedUnicast,
  predictIpSpoof,
  predictKnownUnicast,
  predictMacSpoof,
  predictRoutedBounce,
  predictUnknownUnicast,
} from './classes/unicast.js';
import { predictVlanHop } from './classes/vlan-hop.js';
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
  'known-unicast': { forecast: predictKnownUnicast, question: 'third' },
  'aged-unicast': { forecast: predictAgedUnicast, question: 'third' },
  'unknown-unicast': { forecast: predictUnknownUnicast, question: 'direct' },
  broadcast: { forecast: predictBroadcast, question: 'direct' },
  'arp-request': { forecast: predictArpBroadcast, question: 'direct' },
  'link-local-multicast': { forecast: predictLinkLocal, question: 'direct' },
  multicast: { forecast: predictMulticast, question: 'direct' },
  'vlan-hop': { forecast: predictVlanHop, question: 'direct' },
  'routed-bounce': { forecast: predictRoutedBounce, question: 'direct' },
  'mac-spoof': { forecast: predictMacSpoof, question: 'direct' },
  'ip-spoof': { forecast: predictIpSpoof, question: 'direct' },
  'mac-steal': { forecast: predictTheft, question: 'thief' },
  'gateway-steal': { forecast: predictTheft, question: 'thief' },
  'mac-flood': { forecast: predictMacFlood, question: 'thief' },
  'arp-spoof': { forecast: predictArpBroadcast, question: 'direct' },
  'ra-spoof': { forecast: predictAllNodes, question: 'direct' },
  'dhcp-offer': { forecast: predictBroadcast, question: 'direct' },
  'igmp-query': { forecast: predictQueried, question: 'thief' },
  'stp-root': { forecast: predictBpdu, question: 'direct' },
};
