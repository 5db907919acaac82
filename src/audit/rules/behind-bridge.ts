import type { BridgeRule } from '../../core/audit/rule.js';
import { isGroup, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/**
 * A MAC in the bridge device's address list (`self`) that the database does not have (`master`): macvlan on the bridge
 * leaves one.
 */
export const behindBridge: BridgeRule = ({ name, link, fdb, ports }, { state }) =>
  ports.length < 2
    ? []
    : state.fdb
        .filter(
          (entry) =>
            entry.port === name &&
            entry.master === null &&
            !isGroup(entry.mac) &&
            entry.mac !== link.mac &&
            !fdb.some(({ mac }) => mac === entry.mac),
        )
        .map((entry) => ({
          severity: 'high',
          place: `${entry.mac} dev ${name} self`,
          value: entry.state,
          readFrom: readFrom.fdb,
          text: 'somebody behind the bridge device (a macvlan) has this MAC and the database does not know it: every frame to it floods to all ports',
          probe: 'known-unicast',
          fix: `bridge fdb add ${word(entry.mac)} dev ${word(name)} self permanent, or attach it by a port of its own`,
        }));
