import { word } from '../audit/shell-word.js';
import type { Wanted } from './wanted.js';

/** The device that something is wanted of; null = none. */
export function deviceOf(wanted: Wanted): string | null {
  return 'device' in wanted ? wanted.device : null;
}

/**
 * The command that brings it about now, for scripts that run when the device is there; `device`: how the script calls
 * it, quoted. Empty for what is no device's.
 */
export function commandOf(wanted: Wanted, device: string): string {
  switch (wanted.kind) {
    case 'bridge':
      return `ip link set dev ${device} type bridge ${word(wanted.key)} ${word(wanted.value)}`;
    case 'port':
      return `bridge link set dev ${device} ${word(wanted.key)} ${word(wanted.value)}`;
    case 'entry':
      return wanted.own
        ? `bridge fdb replace ${wanted.mac} dev ${device} self permanent`
        : `bridge fdb replace ${wanted.mac} dev ${device} master static${wanted.sticky ? ' sticky' : ''}`;
    case 'no-vlan':
      return `bridge vlan del dev ${device} vid ${wanted.vid}`;
    case 'sysctl':
    case 'nft':
    case 'ovs':
      return '';
  }
}
