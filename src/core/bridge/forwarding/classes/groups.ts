import type { Diversions } from '../../diversions.js';
import { type BridgeView, isSettingOn } from '../../view.js';
import { flooded } from '../delivery.js';
import { type ClassForecast, no, portOf, unknown } from '../forecast.js';

/** Frames to ff:ff:ff:ff:ff:ff. */
export const predictBroadcast: ClassForecast = (_, __, { from, observer }) =>
  flooded(from, observer, 'bcast_flood', 'a broadcast');

/** The host may answer instead (neigh_suppress). */
export const predictArpBroadcast: ClassForecast = (view, diversions, flow) =>
  [portOf(flow.from), portOf(flow.observer)].some(
    (port) => port !== null && isSettingOn(port.settings, 'neigh_suppress') === true,
  )
    ? unknown('neighbours are suppressed')
    : predictBroadcast(view, diversions, flow);

/** To ff02::1, which snooping never blocks. */
export const predictAllNodes: ClassForecast = (_, __, flow) =>
  [portOf(flow.from), portOf(flow.observer)].some(
    (port) => port !== null && isSettingOn(port.settings, 'neigh_suppress') === true,
  )
    ? unknown('neighbours are suppressed')
    : flooded(flow.from, flow.observer, 'mcast_flood', 'multicast to all nodes');

function asks(view: BridgeView, { querier }: Diversions): boolean {
  return querier || isSettingOn(view.settings, 'mcast_querier') !== false;
}

/** A group without members: with a querier snooping blocks IP, never other EtherTypes (br_multicast_rcv). */
export const predictMulticast: ClassForecast = (view, diversions, { from, observer, carrier }) => {
  const snooping = isSettingOn(view.settings, 'mcast_snooping');
  if (snooping === null && carrier !== 'raw') return unknown('snooping is not reported');
  return snooping === true && carrier !== 'raw' && asks(view, diversions)
    ? unknown('snooping with a querier: members and router ports decide')
    : flooded(from, observer, 'mcast_flood', 'multicast that no guest joined');
};

/** A guest that queried gets every group, others by joins (br_multicast_mark_router). */
export const predictQueried: ClassForecast = (view, diversions, flow) => {
  const { by, observer, from } = flow;
  const port = portOf(observer);
  if (isSettingOn(view.settings, 'mcast_snooping') === false) return predictMulticast(view, diversions, flow);
  if (by?.name !== observer.name || port === null) return unknown('members decide');
  if (
    isSettingOn(view.settings, 'mcast_snooping') !== true ||
    isSettingOn(view.settings, 'mcast_query_use_ifaddr') !== false
  )
    return unknown('the bridge may be elected instead (RFC 2236 3)');
  if (port.settings['multicast_router'] !== 1 || isSettingOn(port.settings, 'mcast_flood') !== true)
    return unknown(`${port.name}.multicast_router decides`);
  return flooded(from, observer, 'mcast_flood', `its query makes ${port.name} a multicast router port`);
};

/** Bits by the last byte of 01:80:c2:00:00:0x: 0 BPDU, 14 LLDP (br_handle_frame). */
function passes(mask: unknown, byte: number): boolean {
  const bits = Number.parseInt(String(mask ?? '0'), 16);
  return Number.isFinite(bits) && ((bits >> byte) & 1) === 1;
}

/** Outside 01:80:c2:00:00:0x frames flood, inside a mask decides. */
export const predictLinkLocal: ClassForecast = (view, diversions, { from, observer, variant, carrier = '' }) => {
  if (
    variant === 'lldp' &&
    !passes(view.settings['group_fwd_mask'], 14) &&
    !passes(portOf(from)?.settings['group_fwd_mask'], 14)
  )
    return no('a bridge keeps LLDP to itself');
  if (carrier.startsWith('ipv6') && isSettingOn(view.settings, 'mcast_snooping') !== false && asks(view, diversions))
    return unknown('snooping with a querier: members and router ports decide');
  return flooded(from, observer, 'mcast_flood', 'multicast of the link');
};

/** A bridge with spanning tree consumes BPDUs. Others forward them. */
export const predictBpdu: ClassForecast = (view, _, { from, observer }) => {
  const stp = isSettingOn(view.settings, 'stp_state');
  if (stp === null) return unknown('stp_state is not reported');
  return stp
    ? no('the bridge takes BPDUs itself')
    : flooded(from, observer, 'mcast_flood', 'BPDUs are data to a bridge without STP');
};
