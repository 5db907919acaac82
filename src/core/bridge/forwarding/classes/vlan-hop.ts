import { isSettingOn } from '../../view.js';
import { flooded, unicast } from '../delivery.js';
import { type ClassForecast, no, portOf, unknown } from '../forecast.js';

/** Without filtering tags are payload. With it a frame stays in its port's VLANs. */
export const predictVlanHop: ClassForecast = (view, _, { from, to, observer }) => {
  const filtering = isSettingOn(view.settings, 'vlan_filtering');
  if (filtering === null) return unknown('vlan_filtering is not reported');
  if (!filtering)
    return to === null ? flooded(from, observer, 'bcast_flood', 'tags are ignored') : unicast(view, from, to, observer);
  const [source, target] = [portOf(from), portOf(observer)].map((port) =>
    port === null ? null : view.vlansOf(port.name),
  );
  if (source === null || source === undefined || target === null || target === undefined)
    return unknown('the VLANs of a port are not reported');
  return [...source.members].some((vid) => target.members.has(vid))
    ? unknown('both ports are in a VLAN: which one a frame takes decides')
    : no('no VLAN has both ports');
};
