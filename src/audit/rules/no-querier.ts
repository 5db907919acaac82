import type { BridgeRule } from '../../core/audit/rule.js';
import { isOn, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/** Snooping knows members only while somebody asks for them. */
export const noQuerier: BridgeRule = ({ name, settings, guests }) =>
  isOn(settings, 'mcast_snooping') !== true || isOn(settings, 'mcast_querier') !== false || guests.length === 0
    ? []
    : [
        {
          severity: 'low',
          place: `${name}.mcast_querier`,
          value: '0',
          readFrom: readFrom.link,
          text: 'snooping without a querier on this bridge: unless another one asks, multicast floods to every port',
          probe: 'multicast',
          fix: `ip link set dev ${word(name)} type bridge mcast_querier 1, or mcast_flood off on the guests' ports`,
        },
      ];
