import type { PortKey } from '../../bridge/attributes.js';
import { execute, setPort } from '../../bridge/changes.js';
import { isSettingOn, readFrom } from '../../bridge/view.js';
import type { Severity } from '../../model/audit.js';
import type { ProbeClassName } from '../../model/scenario.js';
import type { BridgeRule } from '../rule.js';

/** A rule on a flag of the guests' ports. */
function flagRule(key: PortKey, severity: Severity, text: string, probe: ProbeClassName | null): BridgeRule {
  return ({ guests }) =>
    guests
      .filter((port) => isSettingOn(port.settings, key) === true)
      .map((port) => ({
        severity,
        place: `${port.name}.${key}`,
        value: 'on',
        readFrom: readFrom.link,
        text,
        probe,
        fix: { changes: [setPort(port.name, key, false)] },
      }));
}

export const macBypassRule = flagRule(
  'mab',
  'medium',
  'the port admits candidates by itself (MAC authentication bypass)',
  'mac-spoof',
);
export const hairpinRule = flagRule(
  'hairpin',
  'low',
  "frames return to the port they came from: guests behind one port see each other's",
  'known-unicast',
);
export const neighbourSuppressionRule = flagRule(
  'neigh_suppress',
  'info',
  'the host answers for guests; their ARP does not show who is where',
  'arp-request',
);
export const proxyArpRule = flagRule(
  'proxy_arp',
  'info',
  'the host answers ARP for guests and carries what follows',
  'arp-request',
);

/** Traffic moves to another port when this one loses its carrier. */
export const backupPortRule: BridgeRule = ({ guests }) =>
  guests
    .filter(({ settings: { backup_port: other } }) => other !== undefined && other !== '' && other !== 0)
    .map((port) => ({
      severity: 'medium',
      place: `${port.name}.backup_port`,
      value: String(port.settings['backup_port']),
      readFrom: readFrom.link,
      text: 'when this port loses its carrier its frames go out of the other one, to what is there',
      probe: 'known-unicast',
      fix: { changes: [execute('bridge', 'link', 'set', 'dev', port.name, 'nobackup_port')] },
    }));

/** Nothing can be said about a guest whose port does not forward. */
export const notForwardingRule: BridgeRule = ({ ports }) =>
  ports
    .filter((port) => port.settings['state'] !== undefined && port.settings['state'] !== 'forwarding')
    .map((port) => ({
      severity: 'info',
      place: `${port.name}.state`,
      value: String(port.settings['state']),
      readFrom: readFrom.link,
      text: 'the port forwards nothing now: what it would let through is not to be seen',
      probe: null,
      fix: null,
    }));

/** A rule on a flag of the guests' ports that is on by default and hands over frames meant for others. */
function floodRule(key: PortKey, severity: Severity, text: string, probe: ProbeClassName): BridgeRule {
  const rule = flagRule(key, severity, text, probe);
  return (view, reading) => (view.guests.length < 2 ? [] : rule(view, reading));
}

export const unknownFloodRule = floodRule(
  'flood',
  'medium',
  'unicast to a MAC that the bridge does not know reaches this guest',
  'unknown-unicast',
);
export const broadcastFloodRule = floodRule(
  'bcast_flood',
  'info',
  'broadcasts of others (ARP, DHCP) reach this guest',
  'broadcast',
);
export const multicastFloodRule = floodRule(
  'mcast_flood',
  'low',
  'multicast that nobody joined reaches this guest',
  'multicast',
);
