import type { Severity } from '../../model/audit.js';
import type { Change } from '../../model/fabric.js';
import type { ProbeClassName } from '../../model/scenario.js';
import { setPort } from '../changes.js';
import { groupFlag, isUnicast, takesFloods } from '../row-context.js';
import { isOn } from '../setting-value.js';
import { type Audited, type BridgeRule, type CauseFinder, type Explained, type FixCost, verb } from '../weakness.js';
import { flagRule } from './port-flags.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'unknown-flood': 'cause' | 'finding';
    readonly 'group-flood': 'cause';
    readonly 'broadcast-flood': 'finding';
    readonly 'multicast-flood': 'finding';
  }
}

type FloodKey = 'flood' | 'bcast_flood' | 'mcast_flood';

function stopFlood(port: string, key: FloodKey): readonly Change[] {
  return [setPort(port, key, false)];
}

const findUnknownFlood: CauseFinder = (leak) => {
  const { port, entries, dstMac, bridge, finding } = leak;
  if (
    !isUnicast(leak) ||
    finding.class === 'routed-bounce' ||
    bridge.kind === 'openvswitch' ||
    port === null ||
    dstMac === bridge.mac ||
    !isOn(port.port?.['flood']) ||
    !takesFloods(leak) ||
    entries.length > 0
  )
    return null;
  return {
    place: `${port.name}.flood`,
    value: 'on',
    text: `${bridge.name} has no entry for ${dstMac ?? ''}, and ${port.name} takes unknown unicast`,
    fix: { changes: stopFlood(port.name, 'flood') },
  };
};

function floodRule(key: FloodKey, severity: Severity, text: string, probe: ProbeClassName): BridgeRule {
  const rule = flagRule(key, severity, text, probe, (port) => stopFlood(port, key));
  return (view, snapshot) => (view.guests.length < 2 ? [] : rule(view, snapshot));
}

const unknownFloodRule = floodRule(
  'flood',
  'medium',
  'unicast to a MAC that the bridge does not know reaches this guest',
  'unknown-unicast',
);

export const unknownFlood: Explained & Audited = {
  meaning: 'The port takes unknown unicast: frames to a MAC that the bridge does not know reach the guest.',
  cause: {
    phrase: (parts) =>
      `${parts.devices} ${verb(parts, 'takes', 'take')} frames to MACs that the bridge does not know (flood on)`,
    cost: {
      price: 'silence',
      text: 'a guest that is silent for longer than the ageing time is not reached until it speaks',
    },
    find: findUnknownFlood,
    forwards: 'setting',
  },
  finding: { onBridge: unknownFloodRule },
};

const findGroupFlood: CauseFinder = (leak) => {
  const { port, dstMac } = leak;
  if (port === null || dstMac === null || isUnicast(leak) || leak.finding.class === 'stp-root') return null;
  const key = groupFlag(dstMac);
  if (!isOn(port.port?.[key])) return null;
  return {
    place: `${port.name}.${key}`,
    value: 'on',
    text: `${port.name} takes ${key === 'bcast_flood' ? 'broadcasts' : 'multicast that no guest there asked for'}`,
    fix: { changes: stopFlood(port.name, key) },
  };
};

/** By flag (docs/faults.md: `bcast_flood off` ends IPv4). */
const floodCosts: Readonly<Record<'broadcast' | 'multicast', FixCost>> = {
  broadcast: {
    price: 'cutOff',
    text: 'ARP requests and DHCP no longer reach this guest: it loses IPv4 once its neighbours’ entries are gone',
  },
  multicast: {
    price: 'share',
    text: 'groups that no guest there joined no longer reach this guest: IPv6 neighbour discovery needs its members',
  },
};

export const groupFlood: Explained = {
  meaning: 'The observer’s port takes broadcasts, or multicast that no guest there joined.',
  cause: {
    phrase: (parts) =>
      parts.place.includes('bcast_flood')
        ? `${parts.devices} ${verb(parts, 'takes', 'take')} broadcasts (bcast_flood on)`
        : `${parts.devices} ${verb(parts, 'takes', 'take')} multicast that no guest there joined (mcast_flood on)`,
    cost: ({ place }) => (place.endsWith('bcast_flood') ? floodCosts.broadcast : floodCosts.multicast),
    find: findGroupFlood,
    forwards: 'setting',
  },
};

const broadcastFloodRule = floodRule(
  'bcast_flood',
  'info',
  'broadcasts of others (ARP, DHCP) reach this guest',
  'broadcast',
);

export const broadcastFlood: Audited = {
  meaning: 'Broadcast of others, ARP and DHCP among it, reaches the guest.',
  finding: { onBridge: broadcastFloodRule, cost: floodCosts.broadcast },
};

const multicastFloodRule = floodRule(
  'mcast_flood',
  'low',
  'multicast that no guest joined reaches this guest',
  'multicast',
);

export const multicastFlood: Audited = {
  meaning: 'Multicast of groups that no guest joined reaches the guest.',
  finding: { onBridge: multicastFloodRule, cost: floodCosts.multicast },
};
