import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';
import { fieldsOf, objectsOf, textOf } from '../../core/text/json-fields.js';
import { groupAddress } from '../group-address.js';
import { isOn, isUnicast } from '../row-context.js';

/** The bridge snoops, knows members of the group, and the observer is none of them (br_mdb_entry_get). */
export const membersKnown: Barrier = {
  text: 'the bridge knows the members of the group, and the observer is none',
  opens: 'a membership at the observer’s port, its becoming a multicast router port, snooping off, or no querier',
  find(row) {
    const { bridge, flow, port, before } = row;
    if (isUnicast(row) || flow === null || port === null || !isOn(bridge.bridge?.['mcast_snooping'])) return null;
    const group = groupAddress(flow.frame);
    const members = objectsOf(before.mdb)
      .flatMap((part) => objectsOf(fieldsOf(part)?.['mdb']))
      .filter((entry) => textOf(entry['dev']) === bridge.name && textOf(entry['grp']) === group);
    if (group === null || members.length === 0 || members.some((entry) => textOf(entry['port']) === port.name))
      return null;
    return `mdb ${group} on ${members.map((entry) => textOf(entry['port']) ?? '').join(', ')}`;
  },
};
