import type { PersistentFix } from '../model/fix.js';
import { fileWord, word } from '../text/escape.js';
import type { Wanted } from './wanted.js';

/** The device that something is wanted of; null = none. */
export function deviceOf(wanted: Wanted): string | null {
  return 'device' in wanted ? wanted.device : null;
}

/**
 * The command that brings it about now, for scripts that run when the device is there; `device`: how the script calls
 * it, quoted. Empty for what is not a device's.
 */
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
 * A script that NetworkManager runs when it has brought a device up (NetworkManager-dispatcher(8)), for what its
 * profiles cannot say. `by`: who keeps the device and has no option for it. A port is up after it has joined its
 * bridge.
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
