import { isGroupMacText } from '../../wire/ethernet.js';
import {
  argumentsOf,
  bucketsOf,
  fitsNumber,
  isMacLearning,
  leafActions,
  type OvsFlow,
  registersOf,
  registerUse,
  type RegisterUse,
  splitActions,
  outputPorts,
  wholeMove,
  writtenBy,
  type WrittenField,
} from './ovs-flows.js';

/** What is known of a bridge beside its flows. */
export interface PipelineBridge {
  readonly flows: readonly OvsFlow[];
  /** As `ovs-ofctl dump-groups` prints them. */
  readonly groups: readonly string[];
  /** Ports by name, number and `LOCAL`; null = reported as a port that is not observed. */
  readonly ports: ReadonlyMap<string, string | null>;
  /** Ports that flows FLOOD to. */
  readonly flooded: readonly string[];
  /** Ports behind which a MAC is. */
  readonly owners: ReadonlyMap<string, readonly string[]>;
  /** Broadcasts and groups are for all of its ports: none has a VLAN of its own. */
  readonly isOneSegment: boolean;
  /** OVN alone instructs it: its flows with a cookie hand packets to ovn-controller, and route. */
  readonly isOvn: boolean;
}

/** An action that can be reached and may hand frames to a port that does not own their destination. */
export interface Suspect {
  readonly flow: OvsFlow;
  /** `FLOOD`, `output`, `group:1`, `learn`. */
  readonly action: string;
  /** Ports that get the frames; null = not known, or not ports. */
  readonly to: readonly string[] | null;
  /** The MAC that the frames are for; null = any. */
  readonly dst: string | null;
  /** Flows that lead to it, its own last. */
  readonly path: readonly OvsFlow[];
  /** Port of the frames; null = any. */
  readonly inPort: string | null;
}

/** `group`: for a group, or an address of the network's own. `rewritten`: no longer the one that the sender wrote. */
type Destination = { readonly mac: string } | 'group' | 'rewritten' | null;

type Registers = ReadonlyMap<string, bigint | null | 'kept'>;
/** Frames that stand at one place of the pipeline. */
interface Frames {
  readonly inPort: string | null;
  readonly dst: Destination;
  /** Nothing but port, VLAN and registers chose them, so that any frame of that port is one. */
  readonly isPlain: boolean;
  /** Tag or source were changed, of all frames of a port or of some. */
  readonly changed: 'no' | 'all' | 'some';
  /** Registers other than 0; null = not known, `kept` = as they were, and nothing asks. */
  readonly registers: Registers;
  readonly path: readonly OvsFlow[];
}

const coarse = /^(?:in_port|dl_vlan|dl_vlan_pcp|vlan_tci|vlan_vid|vlan_tci1|metadata|x{0,2}reg\d+)$/;
/** Fields by which no port is chosen: those above Ethernet, and the switch's own (ovs-fields(7)). */
const ofNoPort =
  /^(?:ip_|ipv6_|nw_|arp_|nd_|icmp|tcp_|udp_|sctp_|tp_|tun_|ct_|pkt_mark|dl_vlan_pcp|vlan_pcp|eth_type$|skb_priority|nsh_)/;
/** Actions that hand frames to no port and change nothing by which a port is chosen (ovs-actions(7)). */
const idle =
  /^(?:drop|exit|clear_actions|pop_queue|ct_clear|dec_ttl|dec_nsh_ttl|unroll_xlate|next|(?:note|set_queue|meter|set_tunnel|set_tunnel64|mod_nw_\w+|mod_tp_\w+|mod_vlan_pcp|push):.*|(?:conjunction|fin_timeout|dec_ttl)\(.*\))$/is;
const changesTag = /^(?:strip_vlan|pop_vlan|push_vlan:.*|mod_vlan_vid:.*|mod_dl_src:.*)$/is;
/** Actions that write a field (ovs-actions(7)). */
const writing: ReadonlySet<string> = new Set([
  ...['load', 'set_field', 'write_metadata', 'move', 'mod_dl_dst', 'multipath'],
  ...['bundle_load', 'check_pkt_larger', 'delete_field', 'pop'],
]);
/** The flow whose actions are followed; what its group is called; whether something goes on behind. */
interface Place {
  readonly flow: OvsFlow;
  readonly label: string;
  readonly isWanted: boolean;
}

/** Tables that are entered, before the pipeline counts as not understood. */
const maxEntries = 200_000;
const maxExits = 256;

class Pipeline {
  readonly #tables = new Map<number, OvsFlow[]>();
  readonly #exits = new Map<string, readonly Frames[]>();
  readonly suspects = new Map<string, Suspect>();
  entries = 0;

  readonly #use: RegisterUse;
  readonly #hasNormal: boolean;

  constructor(private readonly bridge: PipelineBridge) {
    for (const flow of bridge.flows.filter(isOfStations))
      this.#tables.set(flow.table, [...(this.#tables.get(flow.table) ?? []), flow]);
    for (const flows of this.#tables.values()) flows.sort((a, b) => b.priority - a.priority);
    this.#use = registerUse(bridge.flows, bridge.groups);
    const leaves = bridge.flows.flatMap(({ actions }) => leafActions(actions, bridge.groups));
    this.#hasNormal = leaves.some((leaf) => /^normal$/i.test(leaf));
  }

  /**
   * Lets frames enter a table; gives them as they are behind it, if something goes on with them there (`isWanted`), as
   * after a `resubmit`.
   */
  enter(table: number, frames: Frames, isWanted: boolean): readonly Frames[] {
    const projected = this.#projected(table, frames);
    const key = `${table} ${isWanted} ${keyOf(projected)}`;
    const behind = (exits: readonly Frames[]): readonly Frames[] =>
      exits.map((exit) => ({
        ...{ ...exit, path: frames.path, inPort: frames.inPort ?? exit.inPort },
        registers: restored(exit.registers, frames.registers),
      }));
    const known = this.#exits.get(key);
    if (known !== undefined) return behind(known);
    this.#exits.set(key, isWanted ? [projected] : []); // one that comes back to itself ends there
    this.entries += 1;
    if (this.entries > maxEntries) return [];
    const exits: Frames[] = [];
    let isTaken = false;
    for (const flow of this.#tables.get(table) ?? []) {
      const met = this.#meet(flow, projected);
      if (met === null) continue;
      const taken = { ...met.frames, path: [...frames.path, flow] };
      exits.push(...this.#act({ flow, label: '', isWanted }, flow.actions, taken));
      isTaken = met.isSure;
      if (isTaken) break;
    }
    const left = isWanted ? distinct(isTaken ? exits : [...exits, projected]) : [];
    if (left.length > maxExits) this.entries = maxEntries + 1;
    this.#exits.set(key, left);
    return behind(left);
  }

  /** Frames without what no table from this one on asks for. */
  #projected(table: number, frames: Frames): Frames {
    const live = this.#use.live.get(table) ?? new Set();
    const registers = new Map(frames.registers);
    for (const register of this.#use.tracked) if (!live.has(register)) registers.set(register, 'kept');
    return {
      ...{ ...frames, registers },
      inPort: live.has('in_port') ? frames.inPort : null,
      isPlain: !this.#hasNormal || frames.isPlain,
    };
  }

  /** The frames that a flow takes of these; null = none. `isSure`: it takes all of them. */
  #meet(flow: OvsFlow, frames: Frames): { readonly frames: Frames; readonly isSure: boolean } | null {
    let { inPort, dst, isPlain } = frames;
    let isSure = true;
    for (const [key, value] of flow.match) {
      if (!coarse.test(key)) isPlain = false;
      const fit = value === null ? 'maybe' : this.#fit(key, value, { ...frames, inPort, dst });
      if (fit === 'no') return null;
      if (fit === 'yes') continue;
      isSure = false;
      if (value === null) continue;
      if (key === 'in_port') inPort = this.bridge.ports.get(value) ?? value;
      if (key === 'dl_dst') dst = narrowed(dst, value);
    }
    return { frames: { ...frames, inPort, dst, isPlain }, isSure };
  }

  #fit(key: string, value: string, { inPort, dst, registers }: Frames): 'yes' | 'no' | 'maybe' {
    if (key === 'in_port') {
      if (inPort === null) return 'maybe';
      return inPort === (this.bridge.ports.get(value) ?? value) ? 'yes' : 'no';
    }
    if (key === 'dl_dst') return fitsMac(dst, value);
    const [register, ...more] = registersOf(key);
    if (register === undefined || more.length > 0) return 'maybe';
    const known = this.#use.tracked.has(register)
      ? (registers.get(register) ?? (registers.has(register) ? null : 0n))
      : null;
    if (known === null || known === 'kept') return 'maybe';
    return fitsNumber(known, value) ? 'yes' : 'no';
  }

  #act(place: Place, actions: readonly string[], frames: Frames): readonly Frames[] {
    let now: readonly Frames[] = [frames];
    for (const [at, action] of actions.entries()) {
      const isWanted = place.isWanted || at < actions.length - 1;
      now = distinct(now.flatMap((each) => this.#step({ ...place, isWanted }, action, each)));
    }
    return now;
  }

  #step(place: Place, action: string, frames: Frames): readonly Frames[] {
    if (idle.test(action)) return [frames];
    if (changesTag.test(action)) return [changedTag(frames)];
    const name = /^[a-z_\d]+/i.exec(action)?.[0].toLowerCase() ?? '';
    if (writing.has(name)) return this.#write(place, action, frames);
    if (name === 'resubmit') return this.#resubmit(place, action, frames);
    if (name === 'goto_table') return this.enter(Number(action.split(':')[1]), frames, place.isWanted);
    const within = { ...place, isWanted: false };
    if (name === 'group') this.#group(within, action, frames);
    else if (name === 'ct') {
      const table = /(?:^|,)table=(\d+)/.exec(argumentsOf(action))?.[1];
      if (table !== undefined) this.enter(Number(table), frames, false);
    } else if (name === 'clone' || name === 'write_actions')
      this.#act(within, splitActions(argumentsOf(action)), frames);
    else this.#handOver(place, action, frames);
    return [frames];
  }

  #resubmit({ flow, isWanted }: Place, action: string, frames: Frames): readonly Frames[] {
    const [port = '', table = ''] = action.includes('(') ? argumentsOf(action).split(',') : [action.split(':')[1]];
    const inPort = port === '' || /^in_port$/i.test(port) ? frames.inPort : (this.bridge.ports.get(port) ?? port);
    const entered = this.enter(table === '' ? flow.table : Number(table), { ...frames, inPort }, isWanted);
    return port === '' ? entered : entered.map((exit) => ({ ...exit, inPort: frames.inPort }));
  }

  #group(place: Place, action: string, frames: Frames): void {
    const buckets = bucketsOf(this.bridge.groups, action.split(':')[1] ?? '');
    if (buckets === null) this.#suspect(place.flow, action, frames, null);
    for (const bucket of buckets ?? []) this.#act({ ...place, label: action }, bucket, frames);
  }

  #write({ flow }: Place, action: string, frames: Frames): readonly Frames[] {
    const moved = wholeMove(action);
    if (moved !== null) return [{ ...frames, registers: movedIn(frames.registers, moved) }];
    const written = writtenBy(action);
    if (written === null) {
      this.#suspect(flow, action.split(/[:(]/)[0] ?? '', frames, null);
      return [frames];
    }
    const { field } = written;
    if (registersOf(field).length > 0)
      return [{ ...frames, registers: writtenTo(frames.registers, written, this.#use.tracked) }];
    // sent back to its own sender, or from there on
    if (field === 'in_port' || ofNoPort.test(field)) return [frames];
    if (/^(?:eth_src|vlan_tci|vlan_vid|dl_vlan)$/.test(field)) return [changedTag(frames)];
    if (field === 'eth_dst') {
      const isNetworks = frames.dst === 'group' || (this.bridge.isOvn && flow.hasCookie);
      return [{ ...frames, dst: isNetworks ? 'group' : 'rewritten' }];
    }
    this.#suspect(flow, `set ${field}`, frames, null);
    return [frames];
  }

  /** An action that hands frames out, or is not known. */
  #handOver({ flow, label }: Place, action: string, frames: Frames): void {
    const suspect = (what: string, to: readonly string[] | null): void =>
      this.#suspect(flow, label === '' ? what : label, frames, to);
    const { flooded, isOvn } = this.bridge;
    switch (/^[a-z_]*/i.exec(action)?.[0].toLowerCase()) {
      case 'in_port':
        return;
      case 'normal':
        if (this.#isMoved(frames)) suspect('NORMAL after a change of addresses or tags', null);
        return;
      case 'flood':
        return this.#output(frames, flooded, (to) => suspect('FLOOD', to));
      case 'all':
        return this.#output(frames, this.#allPorts(), (to) => suspect('ALL', to));
      case 'controller':
        if (!(isOvn && flow.hasCookie && action.includes('userdata='))) suspect('CONTROLLER', null);
        return;
      case 'learn':
        if (!isMacLearning(action)) suspect('learn', null);
        return;
      default:
        return this.#outputTo(action, frames, suspect);
    }
  }

  #outputTo(action: string, frames: Frames, suspect: (what: string, to: readonly string[] | null) => void): void {
    const what = action.split(/[:(]/)[0] ?? '';
    const named = outputPorts(action)?.map((target) =>
      this.bridge.ports.get(target.toUpperCase() === 'LOCAL' ? 'LOCAL' : target),
    );
    if (named === undefined || named.includes(undefined)) return suspect(what, null);
    this.#output(
      frames,
      named.flatMap((name) => name ?? []),
      (to) => suspect(/^(?:bundle|enqueue|output)$/.test(what) ? what : 'output', to),
    );
  }

  #allPorts(): readonly string[] {
    const { ports } = this.bridge;
    return [...new Set([...ports].flatMap(([, name]) => name ?? []))].filter((name) => name !== ports.get('LOCAL'));
  }

  /** True if NORMAL gets some frames of a port changed; those that come from another bridge are mapped so. */
  #isMoved({ inPort, dst, changed }: Frames): boolean {
    return (inPort === null || this.bridge.ports.get(inPort) !== null) && (dst === 'rewritten' || changed === 'some');
  }

  /** Calls `found` with the ports of these that own the destination of no such frame, if there are any. */
  #output({ inPort, dst }: Frames, ports: readonly string[], found: (to: readonly string[]) => void): void {
    if (dst === 'group' && this.bridge.isOneSegment) return;
    const owners = dst !== null && typeof dst === 'object' ? (this.bridge.owners.get(dst.mac) ?? []) : [];
    // a MAC behind several ports is of none
    const others = ports.filter((name) => name !== inPort && (owners.length !== 1 || owners[0] !== name));
    if (others.length > 0) found(others);
  }

  #suspect(flow: OvsFlow, action: string, frames: Frames, to: readonly string[] | null): void {
    const mac = frames.dst !== null && typeof frames.dst === 'object' ? frames.dst.mac : null;
    const key = `${flow.text} ${action}`;
    const known = this.suspects.get(key);
    const both = known === undefined || known.to === null || to === null ? to : [...new Set([...known.to, ...to])];
    this.suspects.set(key, {
      ...{ flow, action, path: known?.path ?? frames.path, inPort: known === undefined ? frames.inPort : known.inPort },
      to: known?.to === null ? null : both,
      dst: known === undefined || known.dst === mac ? mac : null,
    });
  }
}

/** No station sends from a group's address (IEEE 802.3 3.2.3); entering controls of a run do. */
const isOfStations = ({ match }: OvsFlow): boolean =>
  !match.some(([key, value]) => key === 'dl_src' && value?.includes('/') === false && isGroupMacText(value));

function keyOf({ inPort, dst, isPlain, changed, registers }: Frames): string {
  const to = dst !== null && typeof dst === 'object' ? dst.mac : dst;
  const set = [...registers].map(([name, value]) => `${name}=${value ?? '?'}`).sort();
  return [inPort, to, isPlain, changed, ...set].join(' ');
}

function distinct(frames: readonly Frames[]): readonly Frames[] {
  return frames.length < 2 ? frames : [...new Map(frames.map((each) => [keyOf(each), each])).values()];
}

const groupBit = '01:00:00:00:00:00/01:00:00:00:00:00';

function narrowed(dst: Destination, value: string): Destination {
  if (value === groupBit) return 'group';
  if (value.includes('/') || dst === 'group') return dst;
  return isGroupMacText(value) ? 'group' : { mac: value };
}

function fitsMac(dst: Destination, wanted: string): 'yes' | 'no' | 'maybe' {
  if (dst === null || dst === 'rewritten') return 'maybe';
  const [value = '', mask = 'ff:ff:ff:ff:ff:ff'] = wanted.split('/');
  if (dst === 'group') {
    if (wanted === groupBit) return 'yes';
    return mask === 'ff:ff:ff:ff:ff:ff' && !isGroupMacText(value) ? 'no' : 'maybe';
  }
  const bits = (text: string): bigint => BigInt(`0x${text.replaceAll(':', '')}`);
  return (bits(dst.mac) & bits(mask)) === (bits(value) & bits(mask)) ? 'yes' : 'no';
}

function changedTag(frames: Frames): Frames {
  return { ...frames, changed: frames.isPlain && frames.changed !== 'some' ? 'all' : 'some' };
}

/**
 * Follows frames of all ports from table 0 on through a bridge's flows, with `resubmit`, `goto_table`, `ct(table=)`,
 * groups and registers (ovs-actions(7)), and lists actions that are reached and not known to hand a frame to the port
 * alone that owns its destination; `isWhole` false = there was more to follow than is followed. Matches of other fields
 * count as possible, so that more may be listed than can happen, and never less.
 */
export function suspectsOf(bridge: PipelineBridge): {
  readonly suspects: readonly Suspect[];
  readonly isWhole: boolean;
} {
  const pipeline = new Pipeline(bridge);
  pipeline.enter(0, { inPort: null, dst: null, isPlain: true, changed: 'no', registers: new Map(), path: [] }, false);
  return { suspects: [...pipeline.suspects.values()], isWhole: pipeline.entries <= maxEntries };
}

/** Registers after a write; what is not there is 0, and what is not tracked is never asked for. */
function writtenTo(
  before: Registers,
  { field, value, isWhole }: WrittenField,
  tracked: ReadonlySet<string>,
): Registers {
  const registers = new Map(before);
  for (const part of registersOf(field).filter((name) => tracked.has(name))) {
    if (value === 0n && isWhole) registers.delete(part);
    else registers.set(part, isWhole ? value : null);
  }
  return registers;
}

function movedIn(before: Registers, { from, to }: { readonly from: string; readonly to: string }): Registers {
  return restored(new Map(before).set(to, 'kept'), new Map([[to, before.get(from) ?? (before.has(from) ? null : 0n)]]));
}

/** Registers with those that a table kept as they were before it. */
function restored(after: Registers, before: Registers): Registers {
  const registers = new Map(after);
  for (const [name, value] of after) {
    if (value !== 'kept') continue;
    const earlier = before.get(name);
    if (earlier === undefined || earlier === 0n) registers.delete(name);
    else registers.set(name, earlier);
  }
  return registers;
}
