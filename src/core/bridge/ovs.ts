import { linkNamed } from './host.js';
import type { Change } from '../model/fabric.js';
import type {
  HostState,
  OvsBridgeState,
  OvsMirrorState,
  OvsPortState,
  OvsRecord,
  OvsState,
  Snapshot,
} from '../model/state.js';
import { matchText, memberFields, parseFlow } from './bypass/ovs-flows.js';
import { type PipelineBridge, type Suspect, suspectsOf } from './bypass/ovs-pipeline.js';
import { execute } from './changes.js';
import { membersOf, uuidOf } from './ovs-settings.js';
import { given } from '../text/collections.js';

/** A bridge with ports and mirrors (ovs-vswitchd.conf.db(5)). */
export interface OvsBridgeView {
  readonly name: string;
  readonly record: OvsRecord;
  readonly ports: readonly OvsRecord[];
  readonly mirrors: readonly OvsRecord[];
}

/** A column's text. Other values as JSON. */
export function ovsText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

export function referred(records: readonly OvsRecord[], column: unknown): readonly OvsRecord[] {
  const ids = new Set(membersOf(column).map(uuidOf));
  return records.filter((record) => ids.has(uuidOf(record['_uuid'])));
}

export function ovsBridges({ ovs }: Snapshot): readonly OvsBridgeView[] {
  return (ovs?.bridges ?? []).map((record) => {
    const name = ovsText(record['name']);
    // its own port is the host's
    const ports = referred(ovs?.ports ?? [], record['ports']).filter((port) => port['name'] !== name);
    return { name, record, ports, mirrors: referred(ovs?.mirrors ?? [], record['mirrors']) };
  });
}

function textsIn(column: unknown): readonly string[] {
  return membersOf(column).filter((member) => typeof member === 'string');
}

/**
 * The versions in `protocols` without OpenFlow 1.0; empty = 1.0 is spoken. ovs-ofctl tries only 1.0 by default
 * (ovs-ofctl(8), -O), and no other version has NO_FLOOD (OFPPC_NO_FLOOD, OpenFlow 1.0.0 5.2.1).
 */
export function withoutOpenFlow10(protocols: unknown): readonly string[] {
  const named = textsIn(protocols);
  return named.includes('OpenFlow10') ? [] : named;
}

/** Words by which ovs-ofctl reaches a bridge. */
export function ofctl(protocols: unknown): readonly string[] {
  const versions = withoutOpenFlow10(protocols);
  return versions.length === 0 ? ['ovs-ofctl'] : ['ovs-ofctl', '-O', versions.join()];
}

/** Words for flows, groups and meters: OpenFlow 1.0 prints no `write_actions`. All versions without `protocols`. */
export function ofctlOfTables(protocols: unknown): readonly string[] {
  const named = textsIn(protocols);
  return ['ovs-ofctl', '-O', named.length === 0 ? 'OpenFlow10,OpenFlow13' : named.join()];
}

export function removeOvsMirror(name: string, bridge: string): Change {
  return execute(
    'ovs-vsctl',
    '--',
    '--id=@m',
    'get',
    'Mirror',
    name,
    '--',
    'remove',
    'Bridge',
    bridge,
    'mirrors',
    '@m',
  );
}

/** An unobserved destination: a port, or a receiver of copies. */
export interface UnheardPort {
  readonly bridge: string;
  readonly port: string;
  readonly reason: string;
}

/** ovs-vswitchd.conf.db(5), Interface, type. */
const tunnels: readonly string[] = [
  'bareudp',
  'erspan',
  'geneve',
  'gre',
  'gtpu',
  'ip6erspan',
  'ip6gre',
  'lisp',
  'srv6',
  'stt',
  'vxlan',
];

/** Packet sockets see these types. */
const ofDevices: readonly string[] = ['', 'internal', 'system', 'tap'];

/** True of kernel types. A patch port may have a device's name. */
export function isDevice({ type = '' }: Pick<OvsPortState, 'type'>): boolean {
  return ofDevices.includes(type);
}

function whatItIs({ type = '' }: OvsPortState): string {
  if (type === 'bond') return 'a bond of several interfaces';
  if (type === 'patch') return 'a patch port, which leads to another bridge';
  if (tunnels.includes(type)) return `a tunnel (${type})`;
  if (type.startsWith('dpdk')) return `an interface of DPDK (${type})`;
  return type === '' || type === 'internal' ? 'its interface is in another network namespace' : `of type ${type}`;
}

/** Ports without an interface here, which no packet socket sees. Ports that the switch has not taken get nothing. */
export function unheardPorts({ links, ovs }: Pick<HostState, 'links' | 'ovs'>): readonly UnheardPort[] {
  const ports = (ovs?.ports ?? []).filter(({ ofport, type }) => ofport !== null || type === 'bond');
  if (ports.length === 0) return [];
  const linkNames = new Set(links.flatMap(({ name, kind }) => (kind === 'patch' ? [] : [name])));
  return ports
    .filter((port) => !isDevice(port) || !linkNames.has(port.name))
    .map((port) => ({
      bridge: port.bridge,
      port: port.name,
      reason: `${whatItIs(port)}: no packet socket hears what leaves there`,
    }));
}

/** A rule that hands frames to others than their addressees. */
export interface OvsCopy {
  readonly bridge: string;
  /** `action CONTROLLER`, `sFlow`, `mirror m0 to p2`. */
  readonly what: string;
  /** Table, priority and match, or a mirror's selection. null = neither. */
  readonly flow: string | null;
  /** With cookie and actions. */
  readonly complete?: string;
  /** If only known ports get copies. */
  readonly to?: readonly string[];
  /** If all are for one MAC. */
  readonly for?: string;
  /** `ofproto/trace` predicts that a frame leaves by another guest's port. */
  readonly predicted?: string;
}

/** NetFlow sends only counts. */
const samplers = { sflow: 'sFlow', ipfix: 'IPFIX' } as const;

type SwitchState = Pick<HostState, 'links' | 'fdb' | 'ovs'>;

function isOfOvn({ name, controllers = [] }: OvsBridgeState, { ovnBridge }: OvsState): boolean {
  return (
    ovnBridge === name &&
    controllers.length > 0 &&
    controllers.every(({ program }) => program?.isRoots === true && program.path.split('/').at(-1) === 'ovn-controller')
  );
}

interface AskedBridge extends PipelineBridge {
  readonly name: string;
  readonly state: OvsBridgeState;
  readonly guests: readonly { readonly port: string; readonly ofport: number; readonly mac: string }[];
  readonly mirrors: readonly OvsMirrorState[];
}

/** Probes show a mirror that takes all frames. */
function selects({ filter, vlans, outputVlan, snaplen }: OvsMirrorState): boolean {
  return [filter, vlans, outputVlan, snaplen].some((part) => part !== undefined);
}

/** Type first: only kernel types are devices, whatever their name. */
function askedBridge(state: SwitchState, bridge: OvsBridgeState): AskedBridge {
  const { ports, mirrors } = state.ovs ?? { ports: [], mirrors: [] };
  const unheard = new Set(unheardPorts(state).map(({ port }) => port));
  const portsHere = ports.filter((port) => port.bridge === bridge.name);
  const owners = new Map<string, readonly string[]>();
  const add = (mac: string, port: string): unknown => owners.set(mac, [...new Set([...(owners.get(mac) ?? []), port])]);
  for (const { mac, port, master } of state.fdb) if (master === bridge.name) add(mac, port);
  for (const { mac, name } of portsHere) if (mac !== undefined) add(mac, name);
  const device = linkNamed(state, bridge.name);
  if (device !== undefined && !owners.has(device.mac)) add(device.mac, bridge.name);
  return {
    name: bridge.name,
    state: bridge,
    flows: bridge.flows.map((flow, at) => parseFlow(flow, bridge.cookies?.[at])),
    groups: bridge.groups ?? [],
    ports: new Map([
      ['LOCAL', bridge.name] as const,
      ...portsHere.flatMap(({ name, ofport }) => {
        const known = unheard.has(name) ? null : name;
        return [[name, known] as const, ...(ofport === null ? [] : [[String(ofport), known] as const])];
      }),
    ]),
    flooded: portsHere.flatMap(({ name, config }) => (unheard.has(name) || config.includes('NO_FLOOD') ? [] : [name])),
    owners,
    isOneSegment: portsHere.every(
      ({ columns: { tag, trunks, protected: isProtected } }) =>
        isProtected !== true && [tag, trunks].every((column) => membersOf(column).length === 0),
    ),
    isOvn: state.ovs !== undefined && isOfOvn(bridge, state.ovs),
    guests: portsHere.flatMap(({ name, ofport }) => {
      const mac = [...owners].find(([, at]) => at.length === 1 && at[0] === name)?.[0];
      return ofport === null || mac === undefined ? [] : [{ port: name, ofport, mac }];
    }),
    mirrors: mirrors.filter((mirror) => mirror.bridge === bridge.name && selects(mirror)),
  };
}

function selectionOf({ ports, filter, snaplen, vlans = [] }: OvsMirrorState): string {
  return [
    ports === null ? 'all ports' : ports.join(', '),
    ...(vlans.length === 0 ? [] : [`VLAN ${vlans.join(', ')}`]),
    ...(filter === undefined ? [] : [`filter ${filter}`]),
    ...(snaplen === undefined ? [] : [`snaplen ${snaplen}`]),
  ].join(', ');
}

function mirrorSuspect({ ports, filter = '', outputPort }: OvsMirrorState, bridge: AskedBridge): Suspect {
  const flow = parseFlow(filter);
  const [from] = ports ?? [];
  return {
    ...{ flow, action: 'mirror', dst: null, path: [flow] },
    to: outputPort === null || bridge.ports.get(outputPort) === null ? null : [outputPort],
    inPort: from !== undefined && bridge.guests.some(({ port }) => port === from && port !== outputPort) ? from : null,
  };
}

const questionsEach = 6;

/** ovs-vswitchd(8), ofproto/trace. */
interface Question {
  readonly frame: string;
  readonly rightful: readonly string[];
}

/** A bundle or group may pass on only some frames. */
function questionsOf({ path, to, dst, inPort }: Suspect, { guests, owners }: AskedBridge): readonly Question[] {
  const questions: Question[] = [];
  const isOther = (port: string, from: string): boolean =>
    to === null || to.some((each) => each !== port && each !== from);
  for (const from of guests.filter(({ port }) => inPort === null || inPort === port))
    for (const at of guests) {
      if (at.port === from.port || (dst !== null && at.mac !== dst) || !isOther(at.port, from.port)) continue;
      const fields = memberFields(path);
      const source = fields.some((field) => field.startsWith('dl_src=')) ? [] : [`dl_src=${from.mac}`];
      questions.push({
        frame: [`in_port=${from.ofport}`, ...fields, ...source, `dl_dst=${at.mac}`].join(','),
        rightful: [from.port, ...(owners.get(at.mac) ?? [])],
      });
      if (questions.length === questionsEach) return questions;
    }
  return questions;
}

/** Reading, precheck and judge ask the same. */
const known = new WeakMap<readonly string[], { readonly key: string; readonly found: ReturnType<typeof suspectsOf> }>();

function followed(bridge: AskedBridge): ReturnType<typeof suspectsOf> {
  const { ports, owners, groups, flooded, isOneSegment, isOvn, state } = bridge;
  const key = JSON.stringify([[...ports], [...owners], groups, flooded, isOneSegment, isOvn, state.cookies]);
  const before = known.get(state.flows);
  if (before?.key === key) return before.found;
  const found = suspectsOf(bridge);
  known.set(state.flows, { key, found });
  return found;
}

function* suspectsAt(bridge: AskedBridge): Generator<Suspect> {
  yield* followed(bridge).suspects;
  for (const mirror of bridge.mirrors) yield mirrorSuspect(mirror, bridge);
}

/** A bridge without a link here is another host's. */
function askedBridges(state: SwitchState): readonly AskedBridge[] {
  const switches = new Set(state.links.flatMap(({ kind, name }) => (kind === 'openvswitch' ? [name] : [])));
  return (state.ovs?.bridges ?? [])
    .filter(({ name }) => switches.has(name))
    .map((bridge) => askedBridge(state, bridge));
}

/** Frames for `ofproto/trace`, in ovs-appctl's syntax: at most six for each action that may misdeliver. */
export function ovsQuestions(state: SwitchState): readonly { readonly bridge: string; readonly frame: string }[] {
  return askedBridges(state).flatMap((bridge) => {
    const lists = [...suspectsAt(bridge)].map((suspect) => questionsOf(suspect, bridge));
    // each suspect's first before the second of any: more may be found than are asked
    const questions = [...Array(questionsEach).keys()].flatMap((at) => lists.flatMap((list) => list[at] ?? []));
    return [...new Set(questions.map(({ frame }) => frame))].map((frame) => ({ bridge: bridge.name, frame }));
  });
}

/** Absent if the switch was not asked, or gives only to the owner. */
function predictionFor(suspect: Suspect, bridge: AskedBridge): Pick<OvsCopy, 'predicted'> {
  for (const question of questionsOf(suspect, bridge)) {
    const text = bridge.state.traces?.find(({ frame }) => frame === question.frame)?.text;
    const leaks = text === undefined ? [] : leaksOf(text, question, bridge);
    if (leaks.length > 0) return { predicted: `${question.frame} leaves by ${leaks.join(', ')}` };
  }
  return {};
}

function leaksOf(text: string, { rightful }: Question, { ports, name: bridge }: AskedBridge): readonly string[] {
  const reached = new Set(
    [...text.matchAll(/^Datapath actions: (.*)$/gm)].flatMap(([, actions = '']) => actions.split(/[\s,()"]+/)),
  );
  const names = new Set([...ports.values()].filter((name) => name !== bridge));
  return [...names].flatMap((name) => name ?? []).filter((name) => reached.has(name) && !rightful.includes(name));
}

function copyOf(suspect: Suspect, bridge: AskedBridge): OvsCopy {
  const { flow, action, to, dst } = suspect;
  return {
    bridge: bridge.name,
    what: `action ${action}${to === null ? '' : ` to ${to.join(', ')}`}`,
    flow: matchText(flow.text).replace(/^cookie=\S+, /, ''),
    complete: flow.text,
    ...given({ to, for: dst }),
    ...predictionFor(suspect, bridge),
  };
}

function copyOfMirror(mirror: OvsMirrorState, bridge: AskedBridge): OvsCopy {
  const suspect = mirrorSuspect(mirror, bridge);
  const output = [
    ...(mirror.outputPort === null ? [] : [mirror.outputPort]),
    ...(mirror.outputVlan === undefined ? [] : [`VLAN ${mirror.outputVlan}`]),
  ];
  return {
    bridge: bridge.name,
    what: `mirror ${mirror.name} to ${output.join(', ') || 'nowhere'}`,
    flow: selectionOf(mirror),
    ...given({ to: suspect.to }),
    ...predictionFor(suspect, bridge),
  };
}

/** Copies and moves: reached flows that may output past the owner, mirrors, samples. Missing columns were not read. */
export function ovsCopies(state: SwitchState): readonly OvsCopy[] {
  return askedBridges(state).flatMap((bridge) => {
    const { name, state: of, mirrors } = bridge;
    const { suspects, isWhole } = followed(bridge);
    const unfollowed = isWhole ? [] : [{ bridge: name, what: 'flows that are too many to follow', flow: null }];
    const sampled = Object.entries(samplers).flatMap(([column, what]) =>
      membersOf(of.columns[column]).length === 0 ? [] : [{ bridge: name, what, flow: null }],
    );
    return [
      ...sampled,
      ...unfollowed,
      ...suspects.map((suspect) => copyOf(suspect, bridge)),
      // one without an output goes nowhere; a port that nobody hears is reported as such
      ...mirrors
        .filter(({ outputPort, outputVlan }) =>
          outputVlan === undefined ? outputPort !== null && bridge.ports.get(outputPort) !== null : true,
        )
        .map((mirror) => copyOfMirror(mirror, bridge)),
    ];
  });
}

/**
 * A bridge's datapath; null = no bridge of that name. An empty column is the kernel's (ovs-vswitchd.conf.db(5),
 * datapath_type).
 */
export function datapathOf({ ovs }: HostState, bridge: string): string | null {
  const type = ovs?.bridges.find(({ name }) => name === bridge)?.columns['datapath_type'];
  if (typeof type !== 'string') return null;
  return type === '' ? 'system' : type;
}
