import { setPort } from '../../../bridge/changes.js';
import { stpOpenWeakness } from '../../../bridge/weaknesses/stp-open.js';
import { isSwitchedOff, isSwitchedOn, isUnicast } from '../../rows/row-context.js';
import { type CauseFinder, type FixCost, verb, type Weakness } from './weakness.js';

/** The table has no entry for the destination, and the observer's port takes unknown unicast. */
const findUnknownFlood: CauseFinder = (leak) => {
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

export const unknownFlood: Weakness = {
  meaning: 'The bridge has no entry for the destination, and the observer’s port takes unknown unicast.',
  phrase: (parts) =>
    `${parts.devices} ${verb(parts, 'takes', 'take')} frames to MACs that the bridge does not know (flood on)`,
  cost: {
    price: 'silence',
    text: 'a guest that is silent for longer than the ageing time is not reached until it speaks',
  },
  find: findUnknownFlood,
};

/** The observer's port takes broadcasts, or multicast that nobody registered for. */
const findGroupFlood: CauseFinder = (leak) => {
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

/** What flags that stop floods of groups cost depends on the flag (docs/faults.md: `bcast_flood off` ends IPv4). */
const floodCosts: Readonly<Record<'broadcast' | 'multicast', FixCost>> = {
  broadcast: {
    price: 'cutOff',
    text: 'ARP requests and DHCP no longer reach this guest: it loses IPv4 once its neighbours’ entries are gone',
  },
  multicast: {
    price: 'share',
    text: 'groups that nobody there joined no longer reach this guest: IPv6 neighbour discovery needs its members',
  },
};

export const groupFlood: Weakness = {
  meaning: 'The observer’s port takes broadcasts, or multicast that nobody there joined.',
  phrase: (parts) =>
    parts.place.includes('bcast_flood')
      ? `${parts.devices} ${verb(parts, 'takes', 'take')} broadcasts (bcast_flood on)`
      : `${parts.devices} ${verb(parts, 'takes', 'take')} multicast that nobody there joined (mcast_flood on)`,
  cost: ({ place }) => (place.endsWith('bcast_flood') ? floodCosts.broadcast : floodCosts.multicast),
  find: findGroupFlood,
};

/** Nothing keeps a guest's BPDUs from the bridge (STP on) or from the other guests (STP off). */
const findStpOpen: CauseFinder = ({ finding, bridge, fromPort }) => {
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

export const stpOpen: Weakness = {
  meaning: stpOpenWeakness.meaning,
  phrase: ({ place }) => `a guest's BPDUs are not stopped (${place} is off)`,
  cost: { price: 'share', text: 'a switch behind that port is shut out' },
  find: findStpOpen,
};
