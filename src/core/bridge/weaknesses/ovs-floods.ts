import type { Change } from '../../model/fabric.js';
import { execute } from '../changes.js';
import { membersOf, valueIn } from '../ovs-settings.js';
import {
  isMet,
  leafActions,
  matchFields,
  matchText,
  parseFlow,
  type SwitchedFrame,
  outputPorts,
} from '../bypass/ovs-flows.js';
import { probePorts } from '../../probe/frames/parts.js';
import { ofctl, withoutOpenFlow10 } from '../ovs.js';
import { isUnicast } from '../row-context.js';
import { etherTypes } from '../../wire/ethernet.js';
import type { Audited, CauseFinder, Explained, LeakContext } from '../weakness.js';
import { eachBridge, isInVlan, numbersIn, type OvsLeak, ovsLeak } from './ovs.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'ovs-flood-flow': 'cause';
    readonly 'ovs-flood-vlans': 'cause';
    readonly 'ovs-flooding': 'finding';
    readonly 'ovs-table-full': 'cause';
    readonly 'ovs-small-table': 'finding';
    readonly 'ovs-unknown-flood': 'cause';
  }
}

const isFlood = (action: string): boolean => /^(?:FLOOD|ALL)$/i.test(action);

/** ovs-ofctl(8). Without these actions frames are switched. A flow without actions goes. */
function withoutActions(bridge: string, flow: string, isRemoved: (action: string) => boolean): readonly string[] {
  const places = ['table', 'priority'].flatMap((key) => new RegExp(`\\b${key}=\\d+`).exec(matchText(flow)) ?? []);
  const match = [...places, ...matchFields(flow)];
  const { actions } = parseFlow(flow);
  const remaining = actions
    .map((action) => (isFlood(action) ? 'NORMAL' : action))
    .filter((action) => !isRemoved(action));
  const isPlain = actions.every((action) => !action.includes('('));
  if (isPlain && remaining.length > 0)
    return ['--strict', 'mod-flows', bridge, [...match, `actions=${[...new Set(remaining)].join(',')}`].join(',')];
  return ['--strict', 'del-flows', bridge, ...(match.length === 0 ? [] : [match.join(',')])];
}

const carrierTypes: Readonly<Record<string, readonly [etherType: number, protocol: number | null]>> = {
  raw: [etherTypes.experimental, null],
  arp: [etherTypes.arp, null],
  'ipv4-udp': [etherTypes.ipv4, 17],
  'ipv4-tcp': [etherTypes.ipv4, 6],
  'ipv4-icmp': [etherTypes.ipv4, 1],
  'ipv6-udp': [etherTypes.ipv6, 17],
  'ipv6-icmp': [etherTypes.ipv6, 58],
};

function aboveEthernet(
  carrier: string,
  isOfForm: boolean,
): Pick<SwitchedFrame, 'etherType' | 'protocol' | 'srcPort' | 'dstPort'> {
  const [etherType, protocol] = (isOfForm ? undefined : carrierTypes[carrier]) ?? [null, null];
  const ends = protocol === 6 || protocol === 17 ? probePorts : { src: null, dst: null };
  return { etherType, protocol, srcPort: ends.src, dstPort: ends.dst };
}

function frameOf({ flow, finding, dstMac }: LeakContext, { from }: OvsLeak): SwitchedFrame {
  const frame = flow?.frame;
  return {
    inPort: from === null ? [] : [from.name, String(from.ofport)],
    srcMac: frame === undefined || frame.form === 'source-sweep' ? null : frame.srcMac,
    dstMac,
    ...aboveEthernet(finding.carrier, frame?.form !== undefined),
    vlan: finding.vlan[0] ?? null,
    srcIp: frame?.srcIp ?? null,
    dstIp: frame?.dstIp ?? null,
  };
}

/** ovs-actions(7), FLOOD and ALL. */
const findOvsFloodFlow: CauseFinder = (leak) => {
  const inSwitch = ovsLeak(leak);
  if (inSwitch === null) return null;
  const { name = '', ofport = null } = inSwitch.port ?? {};
  const { flows, groups = [] } = inSwitch.bridge;
  const reaches = (action: string): boolean =>
    leafActions([action], groups).some(
      (leaf) => isFlood(leaf) || (outputPorts(leaf) ?? []).some((port) => port === name || port === String(ofport)),
    );
  const flow = flows.find(
    (each) => parseFlow(each).actions.some(reaches) && isMet(each, flows, frameOf(leak, inSwitch)),
  );
  if (flow === undefined) return null;
  return {
    place: `a flow of ${inSwitch.bridge.name}`,
    value: flow,
    text: `a flow of ${inSwitch.bridge.name} sends such frames to ${name === '' ? 'every port' : name}, whatever the switch has learned`,
    fix: {
      changes: [
        execute(...ofctl(inSwitch.bridge.columns['protocols']), ...withoutActions(inSwitch.bridge.name, flow, reaches)),
      ],
    },
  };
};

export const ovsFloodFlow: Explained = {
  meaning: 'A flow of Open vSwitch, which is named, outputs frames to the observer whatever the switch has learned.',
  cause: {
    phrase: ({ place }) => `a flow of Open vSwitch floods frames (${place})`,
    cost: { price: 'share', text: 'the purpose of the flow is lost' },
    find: findOvsFloodFlow,
  },
};

const learnIn = (bridge: string, vlans: readonly string[]): Change =>
  execute('ovs-vsctl', 'remove', 'Bridge', bridge, 'flood_vlans', ...vlans);

/** Column flood_vlans, ovs-vswitchd.conf.db(5). */
const findOvsFloodVlans: CauseFinder = (leak) => {
  const inSwitch = ovsLeak(leak);
  if (inSwitch === null || !isUnicast(leak)) return null;
  const { vlan } = inSwitch;
  if (!numbersIn(inSwitch.bridge.columns['flood_vlans']).includes(vlan)) return null;
  return {
    place: `${inSwitch.bridge.name}.flood_vlans`,
    value: String(vlan),
    text: `${inSwitch.bridge.name} learns nothing in VLAN ${vlan}, so it floods all unicast there like a hub`,
    fix: { changes: [learnIn(inSwitch.bridge.name, [String(vlan)])] },
  };
};

export const ovsFloodVlans: Explained = {
  meaning: 'Open vSwitch learns nothing in this VLAN (flood_vlans): unicast there floods to every port.',
  cause: {
    phrase: ({ place }) => `Open vSwitch learns nothing in this VLAN (${place})`,
    cost: { price: 'nothing', text: 'nothing, unless something in that VLAN has to hear everything' },
    find: findOvsFloodVlans,
  },
};

const ovsFloodingRule = eachBridge(({ name, record }) =>
  membersOf(record['flood_vlans']).length === 0
    ? []
    : [
        {
          severity: 'high',
          place: `${name}.flood_vlans`,
          value: membersOf(record['flood_vlans']).map(String).join(', '),
          readFrom: 'ovs-vsctl list Bridge',
          text: 'nothing is learned in these VLANs: all unicast floods',
          probe: 'known-unicast',
          fix: { changes: [learnIn(name, membersOf(record['flood_vlans']).map(String))] },
        },
      ],
);

export const ovsFlooding: Audited = {
  meaning: 'The Open vSwitch bridge floods where it should switch.',
  finding: { onHost: ovsFloodingRule },
};

/** ovs-vswitchd.conf.db(5), other_config:mac-table-size. */
const usualSize = 8192;

const enlargeTable = (bridge: string, size: number): Change =>
  execute('ovs-vsctl', 'set', 'Bridge', bridge, `other_config:mac-table-size=${Math.max(usualSize, size * 2)}`);

/** A full table drops an entry for each new one, and floods to that MAC. */
const findOvsTableFull: CauseFinder = (leak) => {
  const inSwitch = ovsLeak(leak);
  if (inSwitch === null || !isUnicast(leak)) return null;
  const size = Number(valueIn(inSwitch.bridge.columns['other_config'], 'mac-table-size') ?? usualSize);
  const learned = Math.max(
    ...[leak.before, leak.after].map(
      ({ fdb }) => fdb.filter(({ master, state }) => master === inSwitch.bridge.name && state === 'dynamic').length,
    ),
  );
  if (learned < size) return null;
  return {
    place: `${inSwitch.bridge.name}.other_config:mac-table-size`,
    value: `${learned} of ${size}`,
    text: `the table of ${inSwitch.bridge.name} is full: for each MAC that it learns it forgets another, and floods what is for that one`,
    fix: { changes: [enlargeTable(inSwitch.bridge.name, size)] },
  };
};

export const ovsTableFull: Explained = {
  meaning:
    'Open vSwitch’s table of MACs is full: it forgets one for each that it learns, and floods frames to a forgotten one.',
  cause: {
    phrase: ({ place }) => `the MAC table of Open vSwitch is full (${place})`,
    cost: { price: 'host', text: 'some memory of the switch' },
    find: findOvsTableFull,
  },
};

const ovsSmallTableRule = eachBridge(({ name, record }) => {
  const size = Number(valueIn(record['other_config'], 'mac-table-size') ?? usualSize);
  return !(size < usualSize)
    ? []
    : [
        {
          severity: 'medium',
          place: `${name}.other_config:mac-table-size`,
          value: String(size),
          readFrom: 'ovs-vsctl list Bridge',
          text: `with more than ${size} MACs, made up by one guest if need be, unicast to others floods`,
          probe: 'mac-flood',
          fix: { changes: [enlargeTable(name, size)] },
        },
      ];
});

export const ovsSmallTable: Audited = {
  meaning: 'The address table of the Open vSwitch bridge is smaller than usual: addresses without room in it flood.',
  finding: { onHost: ovsSmallTableRule },
};

/** An entry would not help if it floods on purpose. */
const findOvsUnknownFlood: CauseFinder = (leak) => {
  const inSwitch = ovsLeak(leak);
  if (
    inSwitch === null ||
    !isUnicast(leak) ||
    inSwitch.port === null ||
    inSwitch.isKnown ||
    !isInVlan(inSwitch.port, inSwitch.vlan) ||
    inSwitch.port.config.includes('NO_FLOOD') ||
    findOvsFloodVlans(leak) !== null ||
    findOvsFloodFlow(leak) !== null
  )
    return null;
  const speaking =
    withoutOpenFlow10(inSwitch.bridge.columns['protocols']).length === 0
      ? []
      : [execute('ovs-vsctl', 'add', 'Bridge', inSwitch.bridge.name, 'protocols', 'OpenFlow10')];
  return {
    place: `${inSwitch.port.name}.no-flood`,
    value: 'off',
    text: `${inSwitch.bridge.name} has no entry for ${leak.dstMac ?? ''}, and ${inSwitch.port.name} takes what is flooded`,
    fix: {
      changes: [...speaking, execute('ovs-ofctl', 'mod-port', inSwitch.bridge.name, inSwitch.port.name, 'no-flood')],
    },
  };
};

export const ovsUnknownFlood: Explained = {
  meaning: 'Open vSwitch has no entry for the destination, and the observer’s port takes what floods.',
  cause: {
    phrase: ({ place }) => `Open vSwitch floods what it has no entry for (${place})`,
    cost: { price: 'silence', text: 'a guest that the switch does not know is not reached until it speaks' },
    find: findOvsUnknownFlood,
  },
};
