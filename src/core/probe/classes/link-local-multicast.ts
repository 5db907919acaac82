import type { Carrier, Mac } from '../../model/scenario.js';
import { documentation, familyOf, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import { groupFor } from '../groups.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'link-local-multicast': true;
  }
}

/** mDNS (RFC 6762), never snooped: every host has to get it. */
const mdns = { ipv4: '224.0.0.251', ipv6: 'ff02::fb' } as const;
/** Groups of LLDP (IEEE 802.1AB, not forwarded), GVRP (IEEE 802.1D 12.4, forwarded by Linux), and CDP (forwarded). */
const control: readonly (readonly [variant: string, mac: Mac])[] = [
  ['lldp', '01:80:c2:00:00:0e'],
  ['gvrp', '01:80:c2:00:00:21'],
  ['cdp', '01:00:0c:cc:cc:cc'],
];

function destinations(
  carrier: Carrier,
  chosen: Mac | null,
): readonly (readonly [string | undefined, Mac, string | null])[] {
  if (familyOf(carrier) === null)
    return chosen === null ? control.map(([variant, mac]) => [variant, mac, null]) : [[undefined, chosen, null]];
  const { mac, ip } = groupFor(carrier, null, mdns);
  return [['mdns', mac, ip]];
}

/** Frames to groups that stay on the link: mDNS, and the addresses of LLDP, GVRP and CDP. */
export const linkLocalMulticast: ProbeClass = {
  name: 'link-local-multicast',
  meaning: 'Frames of protocols between neighbours: mDNS, LLDP, GVRP, CDP.',
  addressee: 'none',
  maySee: 'bridge',
  severity: 'low',
  defaultCarriers: (from) =>
    from.ips.some((ip) => ip.family === 6) ? ['raw', 'ipv4-udp', 'ipv6-udp'] : ['raw', 'ipv4-udp'],
  flows({ from, carrier, vlan }, { entry, endpoints }) {
    const family = familyOf(carrier);
    const srcIp =
      from.ips.find((ip) => ip.family === family)?.address ??
      (family === 6 ? documentation.ipv6[0] : documentation.ipv4[0]);
    const may = namesByRole(endpoints.values(), from.bridge, ['guest', 'uplink', 'host']);
    return destinations(carrier, entry.dstMac).map(([variant, dstMac, dstIp]) => {
      const frame = frameSpec(
        { carrier, vlan, srcMac: from.macs[0], dstMac, srcIp: family === null ? null : srcIp, dstIp },
        entry,
      );
      return {
        from: from.name,
        to: null,
        sender: from.name,
        frame,
        must: [],
        may,
        judged: true,
        ...(variant === undefined ? {} : { variant }),
      };
    });
  },
};
