import { word } from '../../../text/shell.js';
import { isSwitchedOn, isUnicast } from '../../rows/row-context.js';
import type { CauseFinder } from './leak.js';

/** The table has no entry for the destination, and the observer's port takes unknown unicast. */
export const unknownFlood: CauseFinder = (leak) => {
  const { port, entries, dstMac, bridge, finding } = leak;
  if (
    !isUnicast(leak) ||
    finding.class === 'routed-bounce' ||
    bridge.kind === 'openvswitch' ||
    port === null ||
    dstMac === bridge.mac ||
    !isSwitchedOn(port.port?.['flood']) ||
    entries.length > 0
  )
    return null;
  return {
    place: `${port.name}.flood`,
    value: 'on',
    text: `${bridge.name} has no entry for ${dstMac ?? ''}, and ${port.name} takes unknown unicast`,
    fix: `bridge link set dev ${word(port.name)} flood off`,
  };
};

/** The observer's port takes broadcasts, or multicast that nobody registered for. */
export const groupFlood: CauseFinder = (leak) => {
  const { port, dstMac } = leak;
  if (port === null || dstMac === null || isUnicast(leak) || leak.finding.class === 'stp-root') return null;
  const key = dstMac === 'ff:ff:ff:ff:ff:ff' ? 'bcast_flood' : 'mcast_flood';
  if (!isSwitchedOn(port.port?.[key])) return null;
  return {
    place: `${port.name}.${key}`,
    value: 'on',
    text: `${port.name} takes ${key === 'bcast_flood' ? 'broadcasts' : 'multicast that nobody there asked for'}`,
    fix: `bridge link set dev ${word(port.name)} ${key} off`,
  };
};
