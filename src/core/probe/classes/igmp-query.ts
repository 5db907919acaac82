import { sameSegment } from '../../model/host-names.js';
import { documentation, familyOf, linkLocalAddress, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import { groupCarriers, groupFor, groupMac, memberPorts } from '../groups.js';
import type { FlowDraft, ProbeClass } from '../probe-class.js';
import { talkers } from '../restore-owner.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'igmp-query': true;
  }
}

/**
 * A guest queries like a multicast router (IGMP, or MLD for IPv6 groups), then others send to the group. A bridge that
 * believes it sends it every group (net/bridge/br_multicast.c, br_multicast_mark_router) for the querier interval, 255
 * s.
 */
export const igmpQuery: ProbeClass = {
  name: 'igmp-query',
  meaning: 'A query from a guest, after which others send to a group.',
  addressee: 'none',
  takesVia: true,
  takesGroup: true,
  maySee: 'uplink-and-host',
  severity: 'medium',
  provokes: [],
  defaultCarriers: (_, __, entry) => groupCarriers(entry.group, false).filter((carrier) => carrier !== 'raw'),
  flows({ from, carrier, vlan }, context) {
    const { entry, endpoints, mdb } = context;
    const family = familyOf(carrier);
    if (family === null || carrier === 'arp') return [];
    const ofFamily =
      family === 4
        ? ({
            carrier: 'ipv4-udp',
            form: 'igmp-query',
            srcIp: from.ips.find((ip) => ip.family === 4)?.address ?? documentation.ipv4[0],
            dstIp: '224.0.0.1',
          } as const)
        : ({
            carrier: 'ipv6-udp',
            form: 'mld-query',
            srcIp: linkLocalAddress(from.macs[0]),
            dstIp: 'ff02::1',
          } as const);
    const query = frameSpec(
      { ...ofFamily, vlan, srcMac: from.macs[0], dstMac: groupMac(ofFamily.dstIp) },
      { ...entry, srcMac: null, dstMac: null, size: null },
    );
    const asks: FlowDraft = {
      from: from.name,
      to: null,
      sender: from.name,
      frame: query,
      must: [],
      may: [],
      judged: false,
      purpose: 'stimulus',
      count: 2,
    };
    const group = groupFor(carrier, entry.group);
    const ports = memberPorts(mdb, group);
    const members = [...endpoints.values()]
      .filter((endpoint) => sameSegment(endpoint, from) && endpoint.port !== null && ports.has(endpoint.port))
      .map((endpoint) => endpoint.name);
    const may = [...members, ...namesByRole(endpoints.values(), from.bridge, ['uplink', 'host'])];
    const talk = talkers(context, from.bridge, [from.name]).map((talker): FlowDraft => {
      const srcIp =
        talker.ips.find((ip) => ip.family === family)?.address ??
        (family === 4 ? documentation.ipv4[1] : documentation.ipv6[1]);
      const frame = frameSpec(
        { carrier, vlan, srcMac: talker.macs[0], dstMac: group.mac, srcIp, dstIp: group.ip },
        { ...entry, srcMac: null },
      );
      return {
        from: talker.name,
        to: null,
        sender: talker.name,
        frame,
        must: members.filter((name) => name !== talker.name),
        may,
        judged: true,
      };
    });
    return [asks, ...talk];
  },
};
