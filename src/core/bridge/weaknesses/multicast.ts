import { groupMembers, routerPorts } from '../host.js';
import type { Change } from '../../model/fabric.js';
import { setBridge, setPort } from '../changes.js';
import { groupAddress, isUnicast } from '../row-context.js';
import { isOn } from '../setting-value.js';
import { isSettingOn, readFrom } from '../view.js';
import { type Audited, type BridgeRule, type CauseFinder, type Explained, verb } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'no-querier': 'cause' | 'finding';
    readonly member: 'cause';
    readonly 'mcast-router-port': 'cause' | 'finding';
  }
}

function query(bridge: string): readonly Change[] {
  return [setBridge(bridge, 'mcast_querier', true)];
}

/**
 * Without a querier snooping floods IP (br_multicast_querier_exists). Other multicast floods anyway. A new querier
 * counts after mcast_query_response_interval, 10 s.
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
  if (!isOn(bridge.bridge?.['mcast_snooping']) || isOn(bridge.bridge?.['mcast_querier'])) return null;
  return {
    place: `${bridge.name}.mcast_querier`,
    value: '0',
    text: `${bridge.name} snoops without a querier, so it does not know the members and floods`,
    fix: { changes: query(bridge.name) },
  };
};

const noQuerierRule: BridgeRule = ({ name, settings, guests }) =>
  isSettingOn(settings, 'mcast_snooping') !== true ||
  isSettingOn(settings, 'mcast_querier') !== false ||
  guests.length === 0
    ? []
    : [
        {
          severity: 'low',
          place: `${name}.mcast_querier`,
          value: '0',
          readFrom: readFrom.link,
          text: 'snooping without a querier on this bridge: unless another one asks, multicast floods to every port',
          probe: 'multicast',
          fix: {
            changes: query(name),
            also: ", or mcast_flood off on the guests' ports",
          },
        },
      ];

export const noQuerier: Explained & Audited = {
  meaning: 'The bridge snoops without a querier: it knows no members of groups, and floods.',
  cause: {
    phrase: ({ devices }) => `${devices} floods multicast: it snoops without a querier`,
    cost: { price: 'host', text: 'groups that no member has reported stop after some minutes' },
    find: findNoQuerier,
    forwards: 'setting',
    isOfBridge: true,
  },
  finding: { onBridge: noQuerierRule },
};

const findMember: CauseFinder = (leak) => {
  const { bridge, flow, port, before } = leak;
  if (isUnicast(leak) || flow === null || port === null) return null;
  const group = groupAddress(flow.frame);
  const found = groupMembers(before).find(
    (member) => member.bridge === bridge.name && member.port === port.name && member.group === group,
  );
  if (group === null || found === undefined) return null;
  const { state } = found;
  return {
    place: `mdb ${group} on ${port.name}`,
    value: state,
    text: `${port.name} is a ${state === 'permanent' ? 'permanent ' : ''}member of ${group}`,
    fix: { changes: [{ kind: 'mdb', act: 'del', bridge: bridge.name, entry: { group, port: port.name, vlan: null } }] },
  };
};

export const member: Explained = {
  meaning: 'The observer’s port is a member of the group. Delete the entry if no guest there asked for it.',
  cause: {
    phrase: ({ place }) => `the port is a member of the group (${place})`,
    cost: { price: 'share', text: 'the guest no longer gets the group' },
    find: findMember,
    forwards: 'setting',
  },
};

function refuseRouter(port: string): readonly Change[] {
  return [setPort(port, 'multicast_router', 0)];
}

const findMcastRouterPort: CauseFinder = (leak) => {
  const { port, step, finding } = leak;
  const isQuerier =
    finding.class === 'igmp-query' &&
    step.flows.some(
      (flow) => flow.purpose === 'stimulus' && flow.class === 'igmp-query' && flow.from === finding.observer,
    );
  const value = Number(port?.port?.['multicast_router'] ?? 0);
  if (port === null || isUnicast(leak) || !(value === 2 || (isQuerier && value > 0))) return null;
  return {
    place: `${port.name}.multicast_router`,
    value: String(value),
    text:
      value === 2
        ? `${port.name} is a multicast router port and gets every group`
        : `a query makes ${port.name} a multicast router port, which gets every group`,
    fix: { changes: refuseRouter(port.name) },
  };
};

const mcastRouterPortRule: BridgeRule = ({ name, guests }, { state }) => {
  const acting = routerPorts(state, name);
  return guests.flatMap((port) => {
    const value = port.settings['multicast_router'];
    const permanent = value === 2;
    if (!permanent && !acting.includes(port.name)) return [];
    return [
      {
        severity: 'medium',
        place: `${port.name}.multicast_router`,
        value: permanent ? '2' : `${String(value)}, acting as one`,
        readFrom: permanent ? readFrom.link : readFrom.mdb,
        text: permanent
          ? 'all multicast goes to this guest'
          : 'a query came from this guest: all multicast goes to it now',
        probe: 'igmp-query',
        fix: { changes: refuseRouter(port.name) },
      },
    ];
  });
};

export const mcastRouterPort: Explained & Audited = {
  meaning: 'The port is, or by a query became, a multicast router port, which gets every group.',
  cause: {
    phrase: (parts) => `${parts.devices} ${verb(parts, 'gets', 'get')} every multicast group (multicast_router)`,
    cost: { price: 'share', text: 'a multicast router behind that port no longer gets every group' },
    find: findMcastRouterPort,
    forwards: 'setting',
  },
  finding: { onBridge: mcastRouterPortRule },
};
