import { portVlans } from '../../../bridge/host.js';
import { reversePathOf } from '../../../bridge/beside.js';
import { type Below, isMacvlanMode, isOnDevice, passingOf } from '../../../model/attach.js';
import { sameSegment } from '../../../model/host-names.js';
import { isRouted, isUnicast, type RowContext, routedSender } from '../../../bridge/row-context.js';
import { isOn } from '../../../bridge/setting-value.js';
import { broadcastMac } from '../../../probe/addresses.js';
import type { Barrier } from './barrier.js';

/** The host takes packets for its own MAC and routes none. */
export const forwardingOff: Barrier = {
  text: 'the host does not forward',
  opens: 'ip_forward 1, which container and VPN software set by themselves',
  find(row) {
    const { finding, before } = row;
    if (!isRouted(row)) return null;
    const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    return before.sysctl[name] === '0' ? name : null;
  },
};

/** Sender and observer are on different bridges. */
export const otherBridge: Barrier = {
  text: 'sender and observer are on different bridges',
  opens: 'a link between the two bridges, or a host that forwards between them',
  find: ({ from, bridge, finding }) =>
    from === null || sameSegment(from, { bridge: bridge.name }) || finding.class === 'routed-bounce'
      ? null
      : `${from.bridge}, ${bridge.name}`,
};

/** An ipvlan in mode l3 takes packets for one address. Mode l2 copies group frames to all. */
function ofGroup({ lower, mode }: Below): string | null {
  return mode === 'l2' ? null : `${lower}: mode ${mode}`;
}

/**
 * Guests of one lower device exchange nothing in the kernel if one is not in mode `bridge`. For ipvlan this means
 * unicast, and in l3 no group frame passes (ipvlan_process_outbound, drivers/net/ipvlan).
 */
export const macvlanApart: Barrier = {
  text: 'the lower device does not pass on such frames of its guests in this mode',
  opens: 'mode bridge or l2; or a switch beyond that sends frames back by the port on which they came in (hairpin)',
  find(row) {
    const { observer, from, dstMac } = row;
    const by = observer?.by;
    if (from?.below !== undefined && !isMacvlanMode(from.below.mode) && dstMac !== null && !isUnicast(row))
      return ofGroup(from.below);
    if (by === undefined || from?.below === undefined || from.below.lower !== by.lower) return null;
    const apart = [from.below, by].map(passingOf).find((passing) => passing !== 'bridge');
    return apart === undefined ? null : `${by.lower}: mode ${apart}`;
  },
};

/** Mode passthru is alone on a promiscuous lower device and gets every frame (macvlan_open). */
function takesAll({ observer }: Pick<RowContext, 'observer'>): boolean {
  return observer?.by?.mode === 'passthru';
}

/** Guests of an ipvlan share a MAC: addresses distinguish them. */
function isForeignPacket({ flow, listener, ...row }: RowContext): boolean {
  const address = flow?.frame.dstIp ?? null;
  return isUnicast(row) && !(listener?.ips ?? []).some((ip) => ip.address === address);
}

/**
 * A lower device hands unicast to the guest with that MAC, group frames to those that joined the same hash (mc_filter,
 * drivers/net/macvlan.c).
 */
export const macvlanAddress: Barrier = {
  text: 'the lower device hands frames to the guest that has the MAC, or joined the group',
  opens: 'mode passthru, or a guest that takes the MAC of another or joins the group',
  find(row) {
    const { observer, dstMac } = row;
    if (takesAll(row) || dstMac === null || observer?.by === undefined) return null;
    if (!isMacvlanMode(observer.by.mode)) return isForeignPacket(row) ? observer.by.lower : null;
    return dstMac === broadcastMac || observer.macs.includes(dstMac) ? null : observer.by.lower;
  },
};

/**
 * The host's stack, and a program behind the bridge, take only frames for their own addresses (ip_rcv drops
 * PACKET_OTHERHOST).
 */
export const ownAddress: Barrier = {
  text: 'the guest behind the bridge device takes frames for its own addresses only',
  opens: 'a program that listens or hands on promiscuously there',
  find(row) {
    const { observer, dstMac } = row;
    const foreign =
      isUnicast(row) &&
      observer !== null &&
      observer.place !== 'port' &&
      !isOnDevice(observer.by) &&
      !takesAll(row) &&
      dstMac !== row.bridge.mac &&
      dstMac !== null &&
      !observer.macs.includes(dstMac);
    return foreign ? `${observer.interface}` : null;
  },
};

/** The host routes packets to their addressee. */
export const routedElsewhere: Barrier = {
  text: 'the host hands what it routes to the addressee',
  opens: 'an addressee whose MAC the bridge does not know: then what the host sends to it floods',
  find(row) {
    const { finding, before, to, observer } = row;
    if (!isRouted(row) || to === null || observer === null || observer.name === to.name) return null;
    const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    return before.sysctl[name] === '1' ? `route to ${to.name}` : null;
  },
};

/** Frames of a port without a bridge end in the host's stack (ip_rcv drops those for other MACs). */
export const notRouted: Barrier = {
  text: 'no bridge has the sender’s port: the host takes frames for its own MAC only, and routes packets',
  opens: 'a bridge that gets the port, a rule of tc that redirects, or proxy_arp and proxy_ndp, which route',
  find(row) {
    const from = routedSender(row);
    return from === null || isRouted(row) ? null : (from.port ?? from.name);
  },
};

/** The host drops packets from sources that it does not reach by the arriving port (RFC 3704, strict). */
export const reversePath: Barrier = {
  text: 'the host drops packets from addresses that it does not reach by the sender’s port',
  opens: 'rp_filter 0 or 2, there or in `all`, whose larger value counts',
  find(row) {
    const {
      finding,
      before: { sysctl },
    } = row;
    const from = routedSender(row);
    if (finding.class !== 'ip-spoof' || from === null || !finding.carrier.startsWith('ipv4')) return null;
    const [name, value] = reversePathOf(from.port ?? '', sysctl);
    return value === 1 ? name : null;
  },
};

/** Without hairpin a bridge returns no frame to its incoming port. */
export const sourcePort: Barrier = {
  text: 'the observer is behind the port on which the frames came in',
  opens: 'hairpin on at that port',
  find: ({ port, fromPort }) => (port !== null && port.name === fromPort?.name ? `${port.name}.hairpin` : null),
};

/**
 * The frame's VLAN is not on the sender's or the observer's port (br_allowed_ingress, br_allowed_egress of
 * net/bridge/br_vlan.c).
 */
export const vlanFiltering: Barrier = {
  text: 'the frame’s VLAN is not one of the port’s',
  opens: 'vlan_filtering off, or that VLAN on the port',
  find({ bridge, before, finding, fromPort, port }) {
    if (!isOn(bridge.bridge?.['vlan_filtering']) || fromPort === null || port === null) return null;
    const [tag] = finding.vlan;
    const vid = tag === undefined || tag === 0 ? (portVlans(before, fromPort.name)?.native ?? null) : tag;
    if (vid === null || portVlans(before, fromPort.name)?.members.has(vid) !== true)
      return `${fromPort.name} has no VLAN ${vid ?? 'for untagged frames'}`;
    return portVlans(before, port.name)?.members.has(vid) === true ? null : `${port.name} is not in VLAN ${vid}`;
  },
};
