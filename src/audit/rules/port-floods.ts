import type { ProbeClassName } from '../../core/model/scenario.js';
import type { Severity } from '../../model/audit.js';
import { isOn, readFrom } from '../bridge-view.js';
import type { BridgeRule } from '../../core/audit/rule.js';
import { word } from '../shell-word.js';

/** A rule on a flag of the guests' ports that is on by default and hands over frames meant for others. */
function floodRule(key: string, severity: Severity, text: string, probe: ProbeClassName): BridgeRule {
  return ({ guests }) =>
    guests.length < 2
      ? []
      : guests
          .filter((port) => isOn(port.settings, key) === true)
          .map((port) => ({
            severity,
            place: `${port.name}.${key}`,
            value: 'on',
            readFrom: readFrom.link,
            text,
            probe,
            fix: `bridge link set dev ${word(port.name)} ${key} off`,
          }));
}

export const unknownFlood = floodRule(
  'flood',
  'medium',
  'unicast to a MAC that the bridge does not know reaches this guest',
  'unknown-unicast',
);
export const broadcastFlood = floodRule(
  'bcast_flood',
  'info',
  'broadcasts of others (ARP, DHCP) reach this guest',
  'broadcast',
);
export const multicastFlood = floodRule(
  'mcast_flood',
  'low',
  'multicast that nobody joined reaches this guest',
  'multicast',
);
