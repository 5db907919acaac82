import { groupMembers } from '../../../bridge/host.js';
import { groupAddress, isUnicast } from '../../../bridge/row-context.js';
import { isOn } from '../../../bridge/setting-value.js';
import { reservedGroup } from '../../../wire/ethernet.js';
import type { Barrier } from './barrier.js';

/** IEEE 802.1D reserves 01:80:c2:00:00:00 to :0f. group_fwd_mask opens single addresses, :00 belongs to STP. */
export const linkLocalReserved: Barrier = {
  text: 'a bridge keeps reserved group addresses to the link they were sent on',
  opens: 'the group’s bit in group_fwd_mask; for BPDUs, STP off',
  find({ dstMac, bridge }) {
    const bit = reservedGroup(dstMac ?? '');
    if (bit === null) return null;
    if (bit === 0) return isOn(bridge.bridge?.['stp_state']) ? `${bridge.name}.stp_state` : null;
    const mask = Number(bridge.bridge?.['group_fwd_mask'] ?? 0);
    return ((mask >> bit) & 1) === 0 ? `${bridge.name}.group_fwd_mask` : null;
  },
};

/** The snooping bridge knows members of the group, without the observer (br_mdb_entry_get). */
export const membersKnown: Barrier = {
  text: 'the bridge knows the members of the group, and the observer is none',
  opens: 'a membership at the observer’s port, its becoming a multicast router port, snooping off, or no querier',
  find(row) {
    const { bridge, flow, port, before } = row;
    if (isUnicast(row) || flow === null || port === null || !isOn(bridge.bridge?.['mcast_snooping'])) return null;
    const group = groupAddress(flow.frame);
    const members = groupMembers(before)
      .filter((member) => member.bridge === bridge.name && member.group === group)
      .map((member) => member.port);
    return group === null || members.length === 0 || members.includes(port.name)
      ? null
      : `mdb ${group} on ${members.join(', ')}`;
  },
};
