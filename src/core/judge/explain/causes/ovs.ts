import { execute } from '../../../bridge/changes.js';
import { membersOf, valueIn } from '../../../bridge/ovs-settings.js';
import { ofctl, removeOvsMirror, withoutOpenFlow10 } from '../../../bridge/ovs.js';
import type { OvsBridgeState, OvsPortState, OvsState } from '../../../model/state.js';
import { isUnicast } from '../../rows/row-context.js';
import { type CauseFinder, type LeakContext, type Weakness } from './weakness.js';

/** A leak on a bridge of Open vSwitch, with what the switch said. */
export interface OvsLeak {
  readonly ovs: OvsState;
  readonly bridge: OvsBridgeState;
  readonly from: OvsPortState | null;
  readonly to: OvsPortState | null;
  /** The observer's port. */
  readonly port: OvsPortState | null;
}

/** null = the bridge is none of Open vSwitch. */
export function ovsLeak({ before, bridge, fromPort, to, port }: LeakContext): OvsLeak | null {
  const { ovs } = before;
  const own = ovs?.bridges.find(({ name }) => name === bridge.name);
  if (ovs === undefined || own === undefined) return null;
  const portNamed = (name: string | null | undefined): OvsPortState | null =>
    ovs.ports.find((port) => port.bridge === own.name && port.name === name) ?? null;
  return { ovs, bridge: own, from: portNamed(fromPort?.name), to: portNamed(to?.port), port: portNamed(port?.name) };
}

/** The numbers among the members of a column. */
export function numbersIn(value: unknown): readonly number[] {
  return membersOf(value).filter((member) => typeof member === 'number');
}

/** A mirror of Open vSwitch copies frames to the observer's port. */
const findOvsMirror: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null) return null;
  const near = [found.from?.name, found.to?.name];
  const mirror = found.ovs.mirrors.find(
    ({ bridge, outputPort, ports }) =>
      bridge === found.bridge.name &&
      outputPort !== null &&
      outputPort === found.port?.name &&
      (ports === null || ports.some((name) => near.includes(name))),
  );
  if (mirror === undefined) return null;
  return {
    place: `mirror ${mirror.name}`,
    value: `${mirror.ports?.join(', ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    text: `the mirror ${mirror.name} of ${mirror.bridge} copies frames of ${mirror.ports?.join(' and ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    fix: { changes: [removeOvsMirror(mirror.name, mirror.bridge)] },
  };
};

export const ovsMirror: Weakness = {
  meaning: 'A mirror of Open vSwitch, which is named, copies frames to the observer’s port.',
  phrase: ({ place }) => `a mirror of Open vSwitch copies frames (${place})`,
  cost: {
    price: 'host',
    text: 'the receiver of the copies (an intrusion detection, a debugging session) no longer gets them',
  },
  find: findOvsMirror,
};

/**
 * Sender and addressee are protected from each other and the switch does not know the addressee: it floods the frame to
 * the ports that are not (column protected).
 */
const findOvsProtected: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak) || leak.entries.length > 0) return null;
  const { from, to, port, bridge } = found;
  if (
    from?.columns['protected'] !== true ||
    to?.columns['protected'] !== true ||
    port === null ||
    port.columns['protected'] === true
  )
    return null;
  return {
    place: `${port.name}.protected`,
    value: 'false',
    text: `${from.name} and ${to.name} are protected from each other; ${bridge.name} floods what one sends to the other to ports that are not, such as ${port.name}`,
    fix: { changes: [execute('ovs-vsctl', 'set', 'Port', port.name, 'protected=true')] },
  };
};

export const ovsProtected: Weakness = {
  meaning:
    'Sender and addressee are protected from each other, and Open vSwitch floods what it cannot place to unprotected ports.',
  phrase: ({ place }) => `Open vSwitch floods what protected ports send each other (${place})`,
  cost: { price: 'apart', text: 'protected ports do not reach each other at all' },
  find: findOvsProtected,
};

/**
 * A flow sends frames to every port (FLOOD, ALL), or to the observer's by its name or number, past the table of MACs
 * (ovs-actions(7)).
 */
const findOvsFloodFlow: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null) return null;
  const { name = '', ofport = null } = found.port ?? {};
  const reaches = (action: string): boolean => {
    if (/^(?:FLOOD|ALL)$/i.test(action)) return true;
    const output = /^output:"?([^"]+)"?$/i.exec(action)?.[1];
    return output !== undefined && (output === name || output === String(ofport));
  };
  const flow = found.bridge.flows.find((flow) =>
    (/actions=(.*)$/.exec(flow)?.[1] ?? '').split(',').some((action) => reaches(action.trim())),
  );
  if (flow === undefined) return null;
  const match = flow
    .replace(/,? ?actions=.*$/, '')
    .split(/[, ]+/)
    .filter((field) => field !== '' && !field.startsWith('priority='))
    .join(',');
  return {
    place: `a flow of ${found.bridge.name}`,
    value: flow,
    text: `a flow of ${found.bridge.name} sends such frames to ${name === '' ? 'every port' : name}, whatever the switch has learned`,
    fix: {
      changes: [
        execute(
          ...ofctl(found.bridge.columns['protocols']),
          'del-flows',
          found.bridge.name,
          ...(match === '' ? [] : [match]),
        ),
      ],
    },
  };
};

export const ovsFloodFlow: Weakness = {
  meaning: 'A flow of Open vSwitch, which is named, outputs frames to the observer whatever the switch has learned.',
  phrase: ({ place }) => `a flow of Open vSwitch floods frames (${place})`,
  cost: { price: 'share', text: 'what the flow was made for stops' },
  find: findOvsFloodFlow,
};

/** The bridge learns nothing in the frame's VLAN (column flood_vlans, ovs-vswitchd.conf.db(5)). */
const findOvsFloodVlans: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak)) return null;
  const [tag = 0] = leak.finding.vlan.length > 0 ? leak.finding.vlan : numbersIn(found.from?.columns['tag']);
  if (!numbersIn(found.bridge.columns['flood_vlans']).includes(tag)) return null;
  return {
    place: `${found.bridge.name}.flood_vlans`,
    value: String(tag),
    text: `${found.bridge.name} learns nothing in VLAN ${tag}, so it floods all unicast there like a hub`,
    fix: { changes: [execute('ovs-vsctl', 'remove', 'Bridge', found.bridge.name, 'flood_vlans', String(tag))] },
  };
};

export const ovsFloodVlans: Weakness = {
  meaning: 'Open vSwitch learns nothing in this VLAN (flood_vlans): unicast there floods to every port.',
  phrase: ({ place }) => `Open vSwitch learns nothing in this VLAN (${place})`,
  cost: { price: 'nothing', text: 'nothing, unless something in that VLAN has to hear everything' },
  find: findOvsFloodVlans,
};

/** What ovs-vswitchd keeps where nothing is said (ovs-vswitchd.conf.db(5), other_config:mac-table-size). */
const usualSize = 8192;

/** The table of MACs is at its limit: an entry is thrown out for each that is learned, and what is for it floods. */
const findOvsTableFull: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak)) return null;
  const size = Number(valueIn(found.bridge.columns['other_config'], 'mac-table-size') ?? usualSize);
  const learned = Math.max(
    ...[leak.before, leak.after].map(
      ({ fdb }) => fdb.filter(({ master, state }) => master === found.bridge.name && state === 'dynamic').length,
    ),
  );
  if (learned < size) return null;
  return {
    place: `${found.bridge.name}.other_config:mac-table-size`,
    value: `${learned} of ${size}`,
    text: `the table of ${found.bridge.name} is full: for each MAC that it learns it forgets another, and floods what is for that one`,
    fix: {
      changes: [
        execute(
          ...['ovs-vsctl', 'set', 'Bridge', found.bridge.name],
          `other_config:mac-table-size=${Math.max(usualSize, size * 2)}`,
        ),
      ],
    },
  };
};

export const ovsTableFull: Weakness = {
  meaning:
    'Open vSwitch’s table of MACs is full: it forgets one for each that it learns, and floods frames to a forgotten one.',
  phrase: ({ place }) => `the MAC table of Open vSwitch is full (${place})`,
  cost: { price: 'host', text: 'some memory of the switch' },
  find: findOvsTableFull,
};

/**
 * Open vSwitch has no entry for the destination, and the observer's port takes what is flooded. Where it floods on
 * purpose, an entry would not help.
 */
const findOvsUnknownFlood: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (
    found === null ||
    !isUnicast(leak) ||
    found.port === null ||
    leak.entries.length > 0 ||
    found.port.config.includes('NO_FLOOD') ||
    findOvsFloodVlans(leak) !== null ||
    findOvsFloodFlow(leak) !== null
  )
    return null;
  const speaking =
    withoutOpenFlow10(found.bridge.columns['protocols']).length === 0
      ? []
      : [execute('ovs-vsctl', 'add', 'Bridge', found.bridge.name, 'protocols', 'OpenFlow10')];
  return {
    place: `${found.port.name}.no-flood`,
    value: 'off',
    text: `${found.bridge.name} has no entry for ${leak.dstMac ?? ''}, and ${found.port.name} takes what is flooded`,
    fix: {
      changes: [...speaking, execute('ovs-ofctl', 'mod-port', found.bridge.name, found.port.name, 'no-flood')],
    },
  };
};

export const ovsUnknownFlood: Weakness = {
  meaning: 'Open vSwitch has no entry for the destination, and the observer’s port takes what floods.',
  phrase: ({ place }) => `Open vSwitch floods what it has no entry for (${place})`,
  cost: { price: 'silence', text: 'a guest that the switch does not know is not reached until it speaks' },
  find: findOvsUnknownFlood,
};
