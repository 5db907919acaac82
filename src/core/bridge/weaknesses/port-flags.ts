import type { Severity } from '../../model/audit.js';
import type { Change } from '../../model/fabric.js';
import type { ProbeClassName } from '../../model/scenario.js';
import type { PortKey } from '../attributes.js';
import { execute, setPort } from '../changes.js';
import { isSettingOn, readFrom } from '../view.js';
import type { Audited, BridgeRule } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly hairpin: 'finding';
    readonly 'neighbour-suppression': 'finding';
    readonly 'proxy-arp': 'finding';
    readonly 'backup-port': 'finding';
    readonly 'not-forwarding': 'finding';
  }
}

export function flagRule(
  key: PortKey,
  severity: Severity,
  text: string,
  probe: ProbeClassName | null,
  fixOf = (port: string): readonly Change[] => [setPort(port, key, false)],
): BridgeRule {
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
        fix: { changes: fixOf(port.name) },
      }));
}

const hairpinRule = flagRule(
  'hairpin',
  'low',
  "frames return to the port they came from: guests behind one port see each other's",
  'known-unicast',
);

export const hairpin: Audited = {
  meaning: 'Frames of the guest may be sent back to its own port.',
  finding: { onBridge: hairpinRule },
};

const neighbourSuppressionRule = flagRule(
  'neigh_suppress',
  'info',
  'the host answers for guests; their ARP does not show who is where',
  'arp-request',
);

export const neighbourSuppression: Audited = {
  meaning: 'The host answers ARP and neighbour discovery for guests on this port.',
  finding: { onBridge: neighbourSuppressionRule },
};

const proxyArpRule = flagRule(
  'proxy_arp',
  'info',
  'the host answers ARP for guests and carries what follows',
  'arp-request',
);

export const proxyArp: Audited = {
  meaning: 'The host answers ARP for guests on this port.',
  finding: { onBridge: proxyArpRule },
};

/** Traffic moves to the backup port when a port loses its carrier. */
const backupPortRule: BridgeRule = ({ guests }) =>
  guests
    .filter(({ settings: { backup_port: backup } }) => backup !== undefined && backup !== '' && backup !== 0)
    .map((port) => ({
      severity: 'medium',
      place: `${port.name}.backup_port`,
      value: String(port.settings['backup_port']),
      readFrom: readFrom.link,
      text: 'when this port loses its carrier its frames go out of the other one, to what is there',
      probe: 'known-unicast',
      fix: { changes: [execute('bridge', 'link', 'set', 'dev', port.name, 'nobackup_port')] },
    }));

export const backupPort: Audited = {
  meaning: 'When the carrier of the port is lost its traffic goes to another port.',
  finding: { onBridge: backupPortRule },
};

/** Nothing can be proved of a guest whose port does not forward. */
const notForwardingRule: BridgeRule = ({ ports }) =>
  ports
    .filter((port) => port.settings['state'] !== undefined && port.settings['state'] !== 'forwarding')
    .map((port) => ({
      severity: 'info',
      place: `${port.name}.state`,
      value: String(port.settings['state']),
      readFrom: readFrom.link,
      text: 'the port forwards nothing now, so its leaks cannot be seen',
      probe: null,
      fix: null,
    }));

export const notForwarding: Audited = {
  meaning: 'The port does not forward: nothing can be said of its guest.',
  finding: { onBridge: notForwardingRule },
};
