import { reversePathOf } from '../../../bridge/beside.js';
import { portVlans } from '../../../bridge/port-vlans.js';
import { sameSegment } from '../../../model/host-names.js';
import { isRouted, isSwitchedOn, isUnicast, type RowContext, routedSender } from '../../rows/row-context.js';
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

/** Sender and observer hang on different bridges. */
export const otherBridge: Barrier = {
  text: 'sender and observer are on different bridges',
  opens: 'a link between the two bridges, or a host that forwards between them',
  find: ({ from, bridge, finding }) =>
    from === null || sameSegment(from, { bridge: bridge.name }) || finding.class === 'routed-bounce'
      ? null
      : `${from.bridge}, ${bridge.name}`,
};

/** Guests of one lower device of which the mode of one is not `bridge` exchange nothing within the kernel. */
export const macvlanApart: Barrier = {
  text: 'the lower device hands nothing from one of its guests to another in this mode',
  opens: 'mode bridge; or a switch beyond that sends frames back by the port on which they came in (hairpin)',
  find({ observer, from }) {
    const by = observer?.by;
    if (by === undefined || from?.below === undefined || from.below.lower !== by.lower) return null;
    const apart = [from.below.mode, by.mode].find((mode) => mode !== 'bridge');
    return apart === undefined ? null : `${by.lower}: mode ${apart}`;
  },
};

/** One in mode passthru has the lower device to itself, made promiscuous: it gets every frame (macvlan_open). */
function takesAll({ observer }: Pick<RowContext, 'observer'>): boolean {
  return observer?.by?.mode === 'passthru';
}

/** A lower device hands unicast to the one of its guests that has the MAC. */
export const macvlanAddress: Barrier = {
  text: 'the lower device hands unicast to the guest that has the MAC',
  opens: 'mode passthru, or a guest that takes the MAC of another',
  find(row) {
    const { observer, dstMac } = row;
    const isForeign =
      !takesAll(row) &&
      isUnicast(row) &&
      dstMac !== null &&
      observer?.by !== undefined &&
      !observer.macs.includes(dstMac);
    return isForeign && observer.by !== undefined ? observer.by.lower : null;
  },
};

/**
 * The host's stack, and a program that carries frames for a guest behind the bridge, take frames for their own
 * addresses only (PACKET_OTHERHOST is dropped by ip_rcv).
 */
export const ownAddress: Barrier = {
  text: 'what is behind the bridge device takes frames for its own addresses only',
  opens: 'a program that listens or hands on promiscuously there',
  find(row) {
    const { observer, dstMac } = row;
    const foreign =
      isUnicast(row) &&
      observer !== null &&
      observer.place !== 'port' &&
      !takesAll(row) &&
      dstMac !== row.bridge.mac &&
      dstMac !== null &&
      !observer.macs.includes(dstMac);
    return foreign ? `${observer.interface}` : null;
  },
};

/** The host routes, and hands what it routes to the addressee of the packet. */
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

/** A guest without a bridge: what its port gets ends in the host's stack (ip_rcv drops what is for another MAC). */
export const notRouted: Barrier = {
  text: 'no bridge has the sender’s port: the host takes frames for its own MAC only, and routes packets',
  opens: 'a bridge that gets the port, a rule of tc that redirects, or proxy_arp and proxy_ndp, which route',
  find(row) {
    const from = routedSender(row);
    return from === null || isRouted(row) ? null : (from.port ?? from.name);
  },
};

/** The host drops packets whose source it does not reach by the port on which they come (RFC 3704, strict). */
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

/** A bridge hands no frame back to the port on which it came in, unless hairpin is on. */
export const sourcePort: Barrier = {
  text: 'the observer is behind the port on which the frames came in',
  opens: 'hairpin on at that port',
  find: ({ port, fromPort }) => (port !== null && port.name === fromPort?.name ? `${port.name}.hairpin` : null),
};

/**
 * The VLAN of the frame is not one of the sender's port, or not one of the observer's (br_allowed_ingress,
 * br_allowed_egress of net/bridge/br_vlan.c).
 */
export const vlanFiltering: Barrier = {
  text: 'the frame’s VLAN is not one of the port’s',
  opens: 'vlan_filtering off, or that VLAN on the port',
  find({ bridge, before, finding, fromPort, port }) {
    if (!isSwitchedOn(bridge.bridge?.['vlan_filtering']) || fromPort === null || port === null) return null;
    const [tag] = finding.vlan;
    const vid = tag === undefined || tag === 0 ? (portVlans(before.vlan, fromPort.name)?.native ?? null) : tag;
    if (vid === null || portVlans(before.vlan, fromPort.name)?.members.has(vid) !== true)
      return `${fromPort.name} has no VLAN ${vid ?? 'for untagged frames'}`;
    return portVlans(before.vlan, port.name)?.members.has(vid) === true ? null : `${port.name} is not in VLAN ${vid}`;
  },
};
