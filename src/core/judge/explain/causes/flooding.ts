import { setPort } from '../../../bridge/changes.js';
import { stpOpenWeakness } from '../../../bridge/weaknesses/stp-open.js';
import { isSwitchedOff, isSwitchedOn, isUnicast } from '../../rows/row-context.js';
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
    fix: { changes: [setPort(port.name, 'flood', false)] },
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
    fix: { changes: [setPort(port.name, key, false)] },
  };
};

/** Nothing keeps a guest's BPDUs from the bridge (STP on) or from the other guests (STP off). */
export const stpOpen: CauseFinder = ({ finding, bridge, fromPort }) => {
  if (finding.class !== 'stp-root' || fromPort === null || !isSwitchedOff(fromPort.port?.['guard'])) return null;
  const on = isSwitchedOn(bridge.bridge?.['stp_state']);
  return {
    place: on ? `${fromPort.name}.guard` : `${bridge.name}.stp_state`,
    value: 'off',
    text: on
      ? `${fromPort.name} has no BPDU guard, so ${bridge.name} believes a guest's BPDU`
      : `${bridge.name} speaks no STP and hands BPDUs on like any other frame`,
    fix: { changes: on ? stpOpenWeakness.refuseRoot(fromPort.name) : stpOpenWeakness.dropBpdus(fromPort.name) },
  };
};
