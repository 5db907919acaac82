import type { PersistentFix } from '../model/fix.js';
import { fileWord, word } from '../text/escape.js';
import type { Wanted } from './wanted.js';

/** null = none. */
export function deviceOf(wanted: Wanted): string | null {
  return 'device' in wanted ? wanted.device : null;
}

/** The command in scripts that run when the device exists. `device`: quoted. Empty for the host. */
export function commandOf(wanted: Wanted, device: string): string {
  switch (wanted.kind) {
    case 'bridge':
      return `ip link set dev ${device} type bridge ${word(wanted.key)} ${word(wanted.value)}`;
    case 'port':
      return `bridge link set dev ${device} ${word(wanted.key)} ${word(wanted.value)}`;
    case 'entry':
      return wanted.self
        ? `bridge fdb replace ${wanted.mac} dev ${device} self permanent`
        : `bridge fdb replace ${wanted.mac} dev ${device} master static${wanted.sticky ? ' sticky' : ''}`;
    case 'no-vlan':
      return `bridge vlan del dev ${device} vid ${wanted.vid}`;
    case 'sysctl':
    case 'module':
    case 'nft':
    case 'ovs':
      return '';
  }
}

/**
 * NetworkManager-dispatcher(8), when a device is up: a port has joined its bridge by then. `by`: the manager without an
 * option.
 */
export function dispatcherScript(by: string, device: string, wanted: readonly Wanted[]): PersistentFix {
  return {
    by,
    device,
    where: `/etc/NetworkManager/dispatcher.d/50-isolation-${fileWord(device)}`,
    form: [
      '#!/bin/sh',
      `[ "$1 $2" = ${word(`${device} up`)} ] || exit 0`,
      ...wanted.map((wish) => commandOf(wish, word(device))),
    ].join('\n'),
    apply: 'chmod 755 it, as root; it acts when NetworkManager brings the device up again',
    note: 'profiles of NetworkManager have no option for it. If the script is there, add its commands below',
  };
}
