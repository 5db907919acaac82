import { portVlans } from '../../audit/port-vlans.js';
import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { isOn } from '../row-context.js';

/**
 * The VLAN of the frame is not one of the sender's port, or not one of the observer's (br_allowed_ingress,
 * br_allowed_egress of net/bridge/br_vlan.c).
 */
export const vlanFiltering: Barrier = {
  text: 'the frame’s VLAN is not one of the port’s',
  opens: 'vlan_filtering off, or that VLAN on the port',
  find({ bridge, before, finding, fromPort, port }) {
    if (!isOn(bridge.bridge?.['vlan_filtering']) || fromPort === null || port === null) return null;
    const [tag] = finding.vlan;
    const vid = tag === undefined || tag === 0 ? (portVlans(before.vlan, fromPort.name)?.native ?? null) : tag;
    if (vid === null || portVlans(before.vlan, fromPort.name)?.members.has(vid) !== true)
      return `${fromPort.name} has no VLAN ${vid ?? 'for untagged frames'}`;
    return portVlans(before.vlan, port.name)?.members.has(vid) === true ? null : `${port.name} is not in VLAN ${vid}`;
  },
};
