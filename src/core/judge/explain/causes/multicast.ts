import { setBridge, setPort } from '../../../bridge/changes.js';
import { fieldsOf, objectsOf, textOf } from '../../../text/json-text.js';
import { groupAddress, isSwitchedOn, isUnicast } from '../../rows/row-context.js';
import { type CauseFinder, verb, type Weakness } from './weakness.js';

/**
 * The bridge snoops, but without a querier it does not know who is a member, and floods (br_multicast_querier_exists).
 * Only IP has members: other multicast floods all the same. A new querier is believed after
 * mcast_query_response_interval, 10 s.
 */
const findNoQuerier: CauseFinder = (leak) => {
  const { bridge, dstMac, finding } = leak;
  if (
    dstMac === null ||
    isUnicast(leak) ||
    finding.carrier === 'raw' ||
    !['multicast', 'igmp-query'].includes(finding.class)
  )
    return null;
  if (!isSwitchedOn(bridge.bridge?.['mcast_snooping']) || isSwitchedOn(bridge.bridge?.['mcast_querier'])) return null;
  return {
    place: `${bridge.name}.mcast_querier`,
    value: '0',
    text: `${bridge.name} snoops without a querier, so it does not know the members and floods`,
    fix: { changes: [setBridge(bridge.name, 'mcast_querier', true)] },
  };
};

export const noQuerier: Weakness = {
  meaning: 'The bridge snoops without a querier: it knows no members of groups, and floods.',
  phrase: ({ devices }) => `${devices} floods multicast: it snoops without a querier`,
  cost: { price: 'host', text: 'groups that no member has reported stop after some minutes' },
  find: findNoQuerier,
};

/** The observer's port is a member of the group, by an entry that somebody made or by its guest's own report. */
const findMember: CauseFinder = (leak) => {
  const { bridge, flow, port, before } = leak;
  if (isUnicast(leak) || flow === null || port === null) return null;
  const group = groupAddress(flow.frame);
  const entry = objectsOf(before.mdb)
    .flatMap((part) => objectsOf(fieldsOf(part)?.['mdb']))
    .find(
      (one) => textOf(one['dev']) === bridge.name && textOf(one['port']) === port.name && textOf(one['grp']) === group,
    );
  if (group === null || entry === undefined) return null;
  const state = textOf(entry['state']) ?? 'temp';
  return {
    place: `mdb ${group} on ${port.name}`,
    value: state,
    text: `${port.name} is a ${state === 'permanent' ? 'permanent ' : ''}member of ${group}`,
    fix: { changes: [{ kind: 'mdb', act: 'del', bridge: bridge.name, entry: { group, port: port.name, vlan: null } }] },
  };
};

export const member: Weakness = {
  meaning: 'The observer’s port is a member of the group. Delete the entry if nobody there asked for it.',
  phrase: ({ place }) => `the port is a member of the group (${place})`,
  cost: { price: 'share', text: 'the guest no longer gets the group' },
  find: findMember,
};

/** The observer's port is, or may become, a multicast router port, which gets every group. */
const findMcastRouterPort: CauseFinder = (leak) => {
  const { port, step, finding } = leak;
  const asked =
    finding.class === 'igmp-query' &&
    step.flows.some(
      (flow) => flow.purpose === 'stimulus' && flow.class === 'igmp-query' && flow.from === finding.observer,
    );
  const value = Number(port?.port?.['multicast_router'] ?? 0);
  if (port === null || isUnicast(leak) || !(value === 2 || (asked && value > 0))) return null;
  return {
    place: `${port.name}.multicast_router`,
    value: String(value),
    text:
      value === 2
        ? `${port.name} is a multicast router port and gets every group`
        : `a query makes ${port.name} a multicast router port, which gets every group`,
    fix: { changes: [setPort(port.name, 'multicast_router', 0)] },
  };
};

export const mcastRouterPort: Weakness = {
  meaning: 'The port is, or by a query became, a multicast router port, which gets every group.',
  phrase: (parts) => `${parts.devices} ${verb(parts, 'gets', 'get')} every multicast group (multicast_router)`,
  cost: { price: 'share', text: 'a multicast router behind that port no longer gets every group' },
  find: findMcastRouterPort,
};
