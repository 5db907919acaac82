import { sameSegment } from '../../model/host-names.js';
import { documentation, familyOf, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import { groupCarriers, groupFor, memberPorts } from '../groups.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly multicast: true;
  }
}

/**
 * Frames to a multicast group: flooded to every port with `mcast_flood` unless the bridge snoops and knows a querier;
 * then to members and multicast router ports (net/bridge/br_multicast.c).
 */
export const multicast: ProbeClass = {
  name: 'multicast',
  meaning: 'Frames to a group that no endpoint joined.',
  addressee: 'none',
  takesGroup: true,
  maySee: 'bridge',
  severity: 'low',
  defaultCarriers: (from, _, entry) =>
    groupCarriers(
      entry.group,
      from.ips.some((ip) => ip.family === 6),
    ),
  flows({ from, carrier, vlan }, { entry, endpoints, mdb }) {
    const group = groupFor(carrier, entry.group);
    const family = familyOf(carrier);
    const srcIp =
      from.ips.find((ip) => ip.family === family)?.address ??
      (family === 6 ? documentation.ipv6[0] : documentation.ipv4[0]);
    const frame = frameSpec(
      {
        carrier,
        vlan,
        srcMac: from.macs[0],
        dstMac: group.mac,
        srcIp: family === null ? null : srcIp,
        dstIp: group.ip,
      },
      entry,
    );
    const ports = memberPorts(mdb, group);
    const members = [...endpoints.values()]
      .filter((endpoint) => sameSegment(endpoint, from) && endpoint.port !== null && ports.has(endpoint.port))
      .map((endpoint) => endpoint.name);
    const others = namesByRole(
      endpoints.values(),
      from.bridge,
      ports.size === 0 ? ['guest', 'uplink', 'host'] : ['uplink', 'host'],
    );
    return [
      {
        from: from.name,
        to: null,
        sender: from.name,
        frame,
        must: members.filter((name) => name !== from.name),
        may: [...members, ...others],
        judged: true,
      },
    ];
  },
};
