import { sameSegment } from '../../model/host-names.js';
import type { Endpoint, ProbeClassName } from '../../model/scenario.js';

/**
 * What the contract's table of classes says about the keys of a probe and about who may see it where the author says
 * nothing.
 */
export interface ClassRule {
  readonly addressee: 'required' | 'optional' | 'none';
  readonly via: boolean;
  readonly group: boolean;
  /**
   * Who may see it by default: the addressee, endpoints of some roles on the sender's bridge, everybody there, nobody;
   * `unforeseeable` where it depends on VLANs or where a finding needs no sighting.
   */
  readonly maySee: 'addressee' | 'uplink-and-host' | 'host' | 'bridge' | 'nobody' | 'unforeseeable';
}

const unicast = { addressee: 'required', via: false, group: false } as const;
const stray = { addressee: 'none', via: false, group: false } as const;

export const classRules: Readonly<Record<ProbeClassName, ClassRule>> = {
  'known-unicast': { ...unicast, maySee: 'addressee' },
  'aged-unicast': { ...unicast, maySee: 'addressee' },
  'unknown-unicast': { ...stray, maySee: 'uplink-and-host' },
  broadcast: { ...stray, maySee: 'bridge' },
  'arp-request': { ...unicast, maySee: 'bridge' },
  'link-local-multicast': { ...stray, maySee: 'bridge' },
  multicast: { ...stray, group: true, maySee: 'bridge' },
  'vlan-hop': { ...stray, addressee: 'optional', maySee: 'unforeseeable' },
  'routed-bounce': { ...unicast, maySee: 'host' },
  'mac-spoof': { ...unicast, maySee: 'nobody' },
  'ip-spoof': { ...unicast, maySee: 'nobody' },
  'mac-steal': { ...unicast, via: true, maySee: 'addressee' },
  'gateway-steal': { ...unicast, via: true, maySee: 'addressee' },
  'mac-flood': { ...unicast, via: true, maySee: 'addressee' },
  'arp-spoof': { ...unicast, maySee: 'uplink-and-host' },
  'ra-spoof': { ...unicast, addressee: 'optional', maySee: 'uplink-and-host' },
  'dhcp-offer': { ...unicast, addressee: 'optional', maySee: 'uplink-and-host' },
  'igmp-query': { ...stray, via: true, group: true, maySee: 'uplink-and-host' },
  'stp-root': { ...stray, maySee: 'unforeseeable' },
};

/** Whether the class lets an endpoint see, by default, what `from` sends to `to`. */
export function maySeeByDefault(rule: ClassRule, observer: Endpoint, from: Endpoint, to: string | null): boolean {
  switch (rule.maySee) {
    case 'addressee':
      return observer.name === to;
    case 'uplink-and-host':
      return sameSegment(observer, from) && observer.role !== 'guest';
    case 'host':
      return observer.role === 'host';
    case 'bridge':
      return sameSegment(observer, from);
    case 'nobody':
    case 'unforeseeable':
      return false;
  }
}
