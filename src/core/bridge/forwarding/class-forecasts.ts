import type { ForecastKind } from '../../probe/probe-class.js';
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
  predictWritten,
} from './classes/unicast.js';
import { predictVlanHop } from './classes/vlan-hop.js';
import type { ClassForecast } from './forecast.js';

export const classForecasts: Readonly<Record<ForecastKind, ClassForecast>> = {
  'known-unicast': predictKnownUnicast,
  'aged-unicast': predictAgedUnicast,
  'unknown-unicast': predictUnknownUnicast,
  broadcast: predictBroadcast,
  'arp-broadcast': predictArpBroadcast,
  'link-local': predictLinkLocal,
  multicast: predictMulticast,
  'vlan-hop': predictVlanHop,
  'routed-bounce': predictRoutedBounce,
  'mac-spoof': predictMacSpoof,
  'ip-spoof': predictIpSpoof,
  theft: predictTheft,
  'mac-flood': predictMacFlood,
  'all-nodes': predictAllNodes,
  queried: predictQueried,
  bpdu: predictBpdu,
  written: predictWritten,
};
