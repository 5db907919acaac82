import { setBridge, setPort } from '../../bridge/changes.js';
import { isSettingOn, readFrom } from '../../bridge/view.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import type { BridgeRule } from '../rule.js';

/** Ports that get all multicast: set so (2), or because a query came from there. */
export const mcastRouterPortRule: BridgeRule = ({ name, guests }, { state }) => {
  const acting = new Set(
    objectsOf(state.mdb)
      .flatMap((part) => objectsOf(fieldsOf(part['router'])?.[name]))
      .map((entry) => textOf(entry['port'])),
  );
  return guests.flatMap((port) => {
    const value = port.settings['multicast_router'];
    const permanent = value === 2;
    if (!permanent && !acting.has(port.name)) return [];
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
        fix: { changes: [setPort(port.name, 'multicast_router', 0)] },
      },
    ];
  });
};

/** Snooping knows members only while somebody asks for them. */
export const noQuerierRule: BridgeRule = ({ name, settings, guests }) =>
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
            changes: [setBridge(name, 'mcast_querier', true)],
            also: ", or mcast_flood off on the guests' ports",
          },
        },
      ];
