import type { Change } from '../model/fabric.js';
import type { HostState, OvsPortState, OvsRecord, Snapshot } from '../model/state.js';
import { execute } from './changes.js';
import { membersOf, uuidOf } from './ovs-settings.js';

/** A bridge of Open vSwitch with its ports and mirrors (ovs-vswitchd.conf.db(5)). */
export interface OvsBridgeView {
  readonly name: string;
  readonly record: OvsRecord;
  readonly ports: readonly OvsRecord[];
  readonly mirrors: readonly OvsRecord[];
}

/** A column's text; what is not text reads as JSON. */
export function ovsText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Records that a column of references names. */
export function referred(records: readonly OvsRecord[], column: unknown): readonly OvsRecord[] {
  const ids = new Set(membersOf(column).map(uuidOf));
  return records.filter((record) => ids.has(uuidOf(record['_uuid'])));
}

/** Every bridge of Open vSwitch in a snapshot. */
export function ovsBridges({ ovs }: Snapshot): readonly OvsBridgeView[] {
  return (ovs?.bridges ?? []).map((record) => {
    const name = ovsText(record['name']);
    // its own port is the host's
    const ports = referred(ovs?.ports ?? [], record['ports']).filter((port) => port['name'] !== name);
    return { name, record, ports, mirrors: referred(ovs?.mirrors ?? [], record['mirrors']) };
  });
}

/**
 * The versions that a bridge speaks, by its column `protocols`, where OpenFlow 1.0 is not one of them; empty = it is.
 * ovs-ofctl tries 1.0 alone unless it is given others (ovs-ofctl(8), -O), and no other version has NO_FLOOD
 * (OFPPC_NO_FLOOD, OpenFlow 1.0.0 5.2.1).
 */
export function withoutOpenFlow10(protocols: unknown): readonly string[] {
  const named = membersOf(protocols).filter((member) => typeof member === 'string');
  return named.includes('OpenFlow10') ? [] : named;
}

/** The words with which ovs-ofctl reaches a bridge of these `protocols`. */
export function ofctl(protocols: unknown): readonly string[] {
  const versions = withoutOpenFlow10(protocols);
  return versions.length === 0 ? ['ovs-ofctl'] : ['ovs-ofctl', '-O', versions.join()];
}

/** Takes a mirror of Open vSwitch away. */
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

/** Where frames of a bridge go and nobody listens: a port, or what gets copies. */
export interface UnheardPort {
  readonly bridge: string;
  readonly port: string;
  readonly reason: string;
}

/** Types of interfaces (ovs-vswitchd.conf.db(5), Interface, type) that carry frames to another machine. */
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

function whatItIs({ type = '' }: OvsPortState): string {
  if (type === 'bond') return 'a bond of several interfaces';
  if (type === 'patch') return 'a patch port, which leads to another bridge';
  if (tunnels.includes(type)) return `a tunnel (${type})`;
  if (type.startsWith('dpdk')) return `an interface of DPDK (${type})`;
  return type === '' || type === 'internal' ? 'its interface is in another network namespace' : `of type ${type}`;
}

/**
 * Ports that Open vSwitch forwards to and that are not interfaces of this network namespace, so that no packet socket
 * hears what leaves through them. Those that the switch has not taken get nothing, and are left out.
 */
export function unheardPorts({ links, ovs }: Pick<HostState, 'links' | 'ovs'>): readonly UnheardPort[] {
  const ports = (ovs?.ports ?? []).filter(({ ofport, type }) => ofport !== null || type === 'bond');
  if (ports.length === 0) return [];
  const linkNames = new Set(links.flatMap(({ name, kind }) => (kind === 'patch' ? [] : [name])));
  return ports
    .filter(({ name }) => !linkNames.has(name))
    .map((port) => ({
      bridge: port.bridge,
      port: port.name,
      reason: `${whatItIs(port)}: no packet socket hears what leaves there`,
    }));
}

/** What in Open vSwitch hands frames of a bridge to others than those whom they are for. */
export interface OvsCopy {
  readonly bridge: string;
  /** `action CONTROLLER`, `sFlow`. */
  readonly what: string;
  /** Match of the flow; null = it is none of a flow. */
  readonly flow: string | null;
  /** Ports that get the copies, where these are known and ports alone get them. */
  readonly to?: readonly string[];
}

/** Columns of a bridge that name who gets samples of its frames: NetFlow has no more of these than counts. */
const samplers = { sflow: 'sFlow', ipfix: 'IPFIX' } as const;

/** What flows may match of a frame that enters; null = not known. */
export interface SwitchedFrame {
  /** Name and number of its port. */
  readonly inPort: readonly string[];
  readonly srcMac: string | null;
  readonly dstMac: string | null;
  readonly etherType: number | null;
  /** Of its outermost tag; null = it has none. */
  readonly vlan: number | null;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
}

type Matched = 'yes' | 'no' | 'maybe';

/** EtherTypes that names of protocols in a match stand for (ovs-fields(7)); what lies above may differ. */
const protocolTypes: Readonly<Record<string, number>> = {
  ...{ ip: 0x0800, icmp: 0x0800, tcp: 0x0800, udp: 0x0800, arp: 0x0806, rarp: 0x8035 },
  ...{ ipv6: 0x86dd, icmp6: 0x86dd, tcp6: 0x86dd, udp6: 0x86dd },
};

function matchedIf(isEqual: boolean): Matched {
  return isEqual ? 'yes' : 'no';
}

/** What a frame has by the names of fields; undefined = not compared here, null = not known. */
function valueOf(key: string, frame: SwitchedFrame): string | number | null | undefined {
  const { srcMac, dstMac, etherType, vlan, srcIp, dstIp } = frame;
  const values: Readonly<Record<string, string | number | null>> = {
    ...{ dl_src: srcMac, dl_dst: dstMac, dl_type: etherType, dl_vlan: vlan ?? -1 },
    ...{ nw_src: srcIp, nw_dst: dstIp, ipv6_src: srcIp, ipv6_dst: dstIp },
  };
  return values[key];
}

function protocolMatches(name: string, wanted: number, { etherType }: SwitchedFrame): Matched {
  if (etherType !== null && etherType !== wanted) return 'no';
  return etherType !== null && ['ip', 'ipv6', 'arp'].includes(name) ? 'yes' : 'maybe';
}

function fieldMatches(field: string, frame: SwitchedFrame): Matched {
  const [key = '', text = ''] = field.split('=');
  const protocol = protocolTypes[key];
  if (protocol !== undefined) return protocolMatches(key, protocol, frame);
  const wanted = text.replaceAll('"', '');
  if (key === 'in_port') return frame.inPort.length === 0 ? 'maybe' : matchedIf(frame.inPort.includes(wanted));
  const known = valueOf(key, frame);
  if (known === undefined || known === null || wanted.includes('/')) return 'maybe';
  return matchedIf(known === (typeof known === 'number' ? Number(wanted) : wanted));
}

/** Fields of a flow that match no frame. */
const nonMatchField =
  /^(?:|(?:table|priority)=.*|(?:idle|hard)_timeout=.*|importance=.*|send_flow_rem|check_overlap|reset_counts|no_.*_counts)$/;

function flowMatches(flow: string, frame: SwitchedFrame): Matched {
  const fields = flow.replace(/,? ?actions=.*$/, '').split(/[, ]+/);
  const matched = fields.filter((field) => !nonMatchField.test(field)).map((field) => fieldMatches(field, frame));
  if (matched.includes('no')) return 'no';
  return matched.includes('maybe') ? 'maybe' : 'yes';
}

/**
 * True if a frame may meet a flow: its match does not exclude the frame, and no flow of its table with a higher
 * priority is sure to take it (ovs-fields(7); priority 32768 where none is printed).
 */
export function isMet(flow: string, flows: readonly string[], frame: SwitchedFrame): boolean {
  const numberIn = (text: string, key: string, usual: number): number =>
    Number(new RegExp(`\\b${key}=(\\d+)`).exec(text)?.[1] ?? usual);
  const [table, priority] = [numberIn(flow, 'table', 0), numberIn(flow, 'priority', 32_768)];
  return (
    flowMatches(flow, frame) !== 'no' &&
    !flows.some(
      (before) =>
        numberIn(before, 'table', 0) === table &&
        numberIn(before, 'priority', 32_768) > priority &&
        flowMatches(before, frame) === 'yes',
    )
  );
}

/** OVN's own: its controller gets what a flow of one of its datapaths, which `metadata` numbers, takes. */
function isOfOvn(match: string): boolean {
  return /\bmetadata=0x[1-9a-f]/.test(match);
}

/**
 * Copies that a flow makes (ovs-actions(7)): to controllers, whatever its length, which has had no effect since 2.7; as
 * samples; to ports that stand beside NORMAL. What leaves by a port alone is the flow's way, and where nobody hears a
 * port that is reported as such.
 */
function copiesOfFlow(flow: string, heard: ReadonlyMap<string, string | null>): readonly Omit<OvsCopy, 'bridge'>[] {
  const [before = '', after = ''] = flow.split(/\bactions=(.*)$/s);
  const match = before.replace(/[, ]+$/, '');
  // an action `learn` outputs nothing itself
  const actions = after.replaceAll(/\blearn\([^()]*\)/g, '');
  const copies: Omit<OvsCopy, 'bridge'>[] = [];
  const controllers = [...actions.matchAll(/\bcontroller\b(\([^()]*\buserdata=)?/gi)];
  if (controllers.some(([, userdata]) => userdata === undefined || !isOfOvn(match)))
    copies.push({ what: 'action CONTROLLER', flow: match });
  if (/\bsample\(/.test(actions)) copies.push({ what: 'action sample', flow: match });
  if (!/\bnormal\b/i.test(actions)) return copies;
  const outputs = /\b(?:output|enqueue)(?::"?|\((?:port=)?"?)([^,:")]+)/g;
  const ports = [...actions.matchAll(outputs)].map(([, port = '']) => heard.get(port));
  const to = ports.filter((port) => typeof port === 'string');
  if (ports.includes(undefined)) copies.push({ what: 'action output beside NORMAL', flow: match });
  else if (to.length > 0) copies.push({ what: `action output beside NORMAL to ${to.join(', ')}`, flow: match, to });
  return copies;
}

/**
 * What of Open vSwitch copies frames of its bridges; columns that a state lacks were not asked for. The switch is one
 * host's: where that has no such link, it is another one's.
 */
export function ovsCopies({ links, ovs }: Pick<HostState, 'links' | 'ovs'>): readonly OvsCopy[] {
  if (ovs === undefined) return [];
  const switches = new Set(links.flatMap(({ kind, name }) => (kind === 'openvswitch' ? [name] : [])));
  const unheard = new Set(unheardPorts({ links, ovs }).map(({ port }) => port));
  const bridges = ovs.bridges.filter(({ name }) => switches.has(name));
  return bridges.flatMap(({ name: bridge, columns, flows }) => {
    const heard = new Map(
      ovs.ports
        .filter((port) => port.bridge === bridge)
        .flatMap(({ name, ofport }) => {
          const known = unheard.has(name) ? null : name;
          return [[name, known] as const, ...(ofport === null ? [] : [[String(ofport), known] as const])];
        }),
    );
    const sampled = Object.entries(samplers).flatMap(([column, what]) =>
      membersOf(columns[column]).length === 0 ? [] : [{ what, flow: null }],
    );
    return [...sampled, ...flows.flatMap((flow) => copiesOfFlow(flow, heard))].map((copy) => ({ bridge, ...copy }));
  });
}

/**
 * Where a bridge of Open vSwitch forwards; null = it has none of that name. An empty column means the kernel's
 * (ovs-vswitchd.conf.db(5), datapath_type).
 */
export function datapathOf({ ovs }: HostState, bridge: string): string | null {
  const type = ovs?.bridges.find(({ name }) => name === bridge)?.columns['datapath_type'];
  if (typeof type !== 'string') return null;
  return type === '' ? 'system' : type;
}

/**
 * Addresses that flows give a MAC, as port security of OVN and Neutron does: `dl_src=MAC,nw_src=IP`,
 * `arp_spa=IP,arp_sha=MAC` (ovs-fields(7)).
 */
export function addressesInFlows({ ovs }: Pick<HostState, 'ovs'>): readonly {
  readonly mac: string;
  readonly address: string;
  readonly device: string;
}[] {
  return (ovs?.bridges ?? []).flatMap(({ name: device, flows }) => {
    const addresses = new Map<string, string>();
    for (const flow of flows) {
      const [match = ''] = flow.split('actions=');
      const mac = /\b(?:arp_sha|dl_src)=((?:[0-9a-f]{2}:){5}[0-9a-f]{2})(?![/:])/.exec(match)?.[1];
      const address = /\b(?:arp_spa|nw_src)=(\d+(?:\.\d+){3})(?!\/)/.exec(match)?.[1];
      if (mac !== undefined && address !== undefined && address !== '0.0.0.0') addresses.set(mac, address);
    }
    return [...addresses].map(([mac, address]) => ({ mac, address, device }));
  });
}
