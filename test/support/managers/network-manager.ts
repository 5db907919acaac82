import { networkManagerManagers } from '../../../src/core/discover/managers/network-manager.js';
import type { ConfigurationManager } from '../../../src/core/model/fix.js';

/** A profile of a device with these lines. */
export const profile = (device: string, lines: readonly string[]): string =>
  [
    '[connection]',
    `id=${device}'s`,
    'uuid=79bf8335-dff8-499d-8df5-7a520379b8' + (device === 'br7' ? '01' : '02'),
    `interface-name=${device}`,
    ...lines,
  ].join('\n');
/** Profiles of a bridge and its port, as NetworkManager writes them, by device. */
export const profiles = {
  br7: profile('br7', [
    'type=bridge',
    '[bridge]',
    'ageing-time=0',
    'stp=true',
    '[ipv4]',
    'method=disabled',
    '[ipv6]',
    'method=disabled',
  ]),
  eno1: profile('eno1', [
    'type=ethernet',
    'controller=br7',
    'port-type=bridge',
    '[ethernet]',
    '[bridge-port]',
    'hairpin-mode=true',
  ]),
};
/** The path of a device's profile. */
export const file = (device: string): string => `/etc/NetworkManager/system-connections/${device}.nmconnection`;
/** The program finds them in these. */
export const managers: readonly ConfigurationManager[] = networkManagerManagers(
  Object.entries(profiles).map(([device, text]) => ({ path: file(device), text })),
);
