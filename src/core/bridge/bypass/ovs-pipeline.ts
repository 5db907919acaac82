import {
  anyFrame,
  changedTag,
  distinct,
  fitsMac,
  type Frames,
  keyOf,
  macOf,
  movedIn,
  narrowed,
  restored,
  writtenTo,
} from './ovs-frames.js';
import { changesTag, idle, isCoarse, isHanding, isOfStations, nameOf, ofNoPort, writing } from './ovs-actions.js';
import {
  argumentsOf,
  bucketsOf,
  fitsNumber,
  isMacLearning,
  leafActions,
  type OvsFlow,
  registersOf,
  splitActions,
  outputPorts,
  wholeMove,
  writtenBy,
} from './ovs-flows.js';
import { isChangedBehind, registerUse, type RegisterUse } from './ovs-registers.js';
import { addTo } from '../../text/collections.js';

export interface PipelineBridge {
  readonly flows: readonly OvsFlow[];
  readonly groups: readonly string[];
  /** By name, number and `LOCAL`. null = reported as unobserved. */
  readonly ports: ReadonlyMap<string, string | null>;
  readonly flooded: readonly string[];
  readonly owners: ReadonlyMap<string, readonly string[]>;
  /** No port has its own VLAN. */
  readonly isOneSegment: boolean;
  /** OVN alone controls it: flows with a cookie route and hand packets to ovn-controller. */
  readonly isOvn: boolean;
}

/** An action that may send frames past their owner's port. */
export interface Suspect {
  readonly flow: OvsFlow;
  /** `FLOOD`, `output`, `group:1`, `learn`. */
  readonly action: string;
  /** null = not known, or not ports. */
  readonly to: readonly string[] | null;
  /** null = any, also in `inPort`. */
  readonly dst: string | null;
  readonly path: readonly OvsFlow[];
  readonly inPort: string | null;
}

interface Followed extends Frames {
  readonly path: readonly OvsFlow[];
}

const changedNormal = 'NORMAL after a change of addresses or tags';
interface Place {
  readonly flow: OvsFlow;
  readonly label: string;
  readonly isWanted: boolean;
  readonly groups: readonly string[];
}

const maxEntries = 200_000;
const maxExits = 256;
const maxDepth = 500;

class Pipeline {
  readonly #tables = new Map<number, OvsFlow[]>();
  readonly #exits = new Map<string, readonly Followed[]>();
  readonly suspects = new Map<string, Suspect>();
  entries = 0;
  #depth = 0;

  readonly #use: RegisterUse;
  readonly #hasNormal: boolean;
  readonly #retagged: Followed[] = [];
  readonly #picked: { readonly flow: OvsFlow; readonly frames: Followed }[] = [];

  constructor(private readonly bridge: PipelineBridge) {
    for (const flow of bridge.flows.filter(isOfStations)) addTo(this.#tables, flow.table, flow);
    for (const flows of this.#tables.values()) flows.sort((a, b) => b.priority - a.priority);
    this.#use = registerUse(bridge.flows, bridge.groups);
    const leaves = bridge.flows.flatMap(({ actions }) => leafActions(actions, bridge.groups));
    this.#hasNormal = leaves.some((leaf) => /^normal$/i.test(leaf));
  }

  /** Gives frames that return, as after `resubmit`, if `isWanted`. */
  enter(table: number, frames: Followed, isWanted: boolean): readonly Followed[] {
    const projected = this.#projected(table, frames);
    const key = `${table} ${isWanted} ${keyOf(projected)}`;
    const behind = (exits: readonly Followed[]): readonly Followed[] =>
      exits.map((exit) => ({
        ...{ ...exit, path: frames.path },
        inPort: exit.port === 'other' ? (exit.inPort ?? frames.inPort) : (frames.inPort ?? exit.inPort),
        registers: restored(exit.registers, frames.registers),
      }));
    const known = this.#exits.get(key);
    if (known !== undefined) return behind(known);
    this.#exits.set(key, isWanted ? [projected] : []); // one that comes back to itself ends there
    if (!this.#isFollowed()) return [];
    this.#depth += 1;
    const exits: Followed[] = [];
    let sure: number | null = null; // flows of the same priority may take them as well
    for (const flow of this.#tables.get(table) ?? []) {
      if (sure !== null && flow.priority < sure) break;
      const met = this.#meet(flow, projected);
      if (met === null) continue;
      const taken = { ...met.frames, path: [...frames.path, flow] };
      exits.push(...this.#act({ flow, label: '', isWanted, groups: [] }, flow.actions, taken));
      if (met.isSure) sure = flow.priority;
    }
    this.#depth -= 1;
    const remaining = isWanted ? distinct(sure !== null ? exits : [...exits, projected]) : [];
    if (remaining.length > maxExits) this.entries = maxEntries + 1;
    this.#exits.set(key, remaining);
    return behind(remaining);
  }

  #isFollowed(): boolean {
    this.entries += 1;
    if (this.#depth > maxDepth) this.entries = maxEntries + 1;
    return this.entries <= maxEntries;
  }

  #projected(table: number, frames: Followed): Followed {
    const live = this.#use.live.get(table) ?? new Set();
    const registers = new Map(frames.registers);
    for (const register of this.#use.tracked) if (!live.has(register)) registers.set(register, 'kept');
    return {
      ...{ ...frames, registers },
      inPort: live.has('in_port') ? frames.inPort : null,
      isPlain: !this.#hasNormal || frames.isPlain,
    };
  }

  #meet(flow: OvsFlow, frames: Followed): { readonly frames: Followed; readonly isSure: boolean } | null {
    let { inPort, dst, isPlain } = frames;
    let isSure = true;
    for (const [key, value] of flow.match) {
      if (!isCoarse(key, value)) isPlain = false;
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

  #fit(key: string, value: string, { inPort, port, dst, registers }: Frames): 'yes' | 'no' | 'maybe' {
    if (key === 'in_port') {
      if (port === 'none') return 'no';
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

  #act(place: Place, actions: readonly string[], frames: Followed): readonly Followed[] {
    let now: readonly Followed[] = [frames];
    for (const [at, action] of actions.entries()) {
      const isWanted = place.isWanted || at < actions.length - 1;
      now = distinct(now.flatMap((each) => this.#step({ ...place, isWanted }, action, each)));
    }
    return now;
  }

  #step(place: Place, action: string, frames: Followed): readonly Followed[] {
    if (idle.test(action)) return [frames];
    if (changesTag.test(action)) return [changedTag(frames)];
    const name = nameOf(action);
    if (writing.has(name)) return this.#write(place, action, frames);
    if (name === 'resubmit') return this.#resubmit(place, action, frames);
    if (name === 'goto_table') return this.enter(Number(action.split(':')[1]), frames, place.isWanted);
    const within = { ...place, isWanted: false };
    if (name === 'group') this.#group(within, action, frames);
    else if (name === 'ct') {
      const table = /(?:^|,)table=(\d+)/.exec(argumentsOf(action))?.[1];
      if (table !== undefined) this.enter(Number(table), frames, false);
    } else if (name === 'clone') this.#act(within, splitActions(argumentsOf(action)), frames);
    else if (name === 'write_actions') this.#addToSet(within, action, frames);
    else this.#handOver(place, action, frames);
    return [frames];
  }

  #resubmit({ flow, isWanted }: Place, action: string, frames: Followed): readonly Followed[] {
    const [port = '', table = ''] = action.includes('(') ? argumentsOf(action).split(',') : [action.split(':')[1]];
    const to = table === '' ? flow.table : Number(table);
    if (port === '' || /^in_port$/i.test(port)) return this.enter(to, frames, isWanted);
    const { inPort, port: whose } = frames;
    return this.enter(to, this.#putIn(frames, port), isWanted).map((exit) => ({ ...exit, inPort, port: whose }));
  }

  /** Frames do not return to their port (ovs-actions(7), output). */
  #putIn(frames: Followed, port: string): Followed {
    if (/^(?:0|65535|any|none)$/i.test(port)) return { ...frames, port: 'none' };
    const inPort = this.bridge.ports.get(port) ?? port;
    return { ...frames, inPort, port: inPort === frames.inPort && frames.port === 'own' ? 'own' : 'other' };
  }

  /** A set runs last, changes first (OpenFlow 1.5.1, 5.10), so that its output may get changed frames. */
  #addToSet(place: Place, action: string, frames: Followed): void {
    const actions = splitActions(argumentsOf(action));
    const hands = leafActions(actions, this.bridge.groups).some(isHanding);
    if (hands && isChangedBehind(place.flow, this.bridge)) this.#suspect(place.flow, 'write_actions', frames, null);
    this.#act(place, [...actions.filter((each) => !isHanding(each)), ...actions.filter(isHanding)], frames);
  }

  #group(place: Place, action: string, frames: Followed): void {
    if (!this.#isFollowed()) return;
    if (place.groups.includes(action)) {
      this.entries = maxEntries + 1; // one that names itself
      return;
    }
    const buckets = bucketsOf(this.bridge.groups, action.split(':')[1] ?? '');
    if (buckets === null) this.#suspect(place.flow, action, frames, null);
    for (const bucket of buckets ?? [])
      this.#act({ ...place, label: action, groups: [...place.groups, action] }, bucket, frames);
  }

  #write({ flow }: Place, action: string, frames: Followed): readonly Followed[] {
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
    if (field === 'in_port') return this.#writePort(flow, action, frames);
    if (ofNoPort.test(field)) return [frames];
    if (/^(?:eth_src|vlan_tci|vlan_vid|dl_vlan)$/.test(field)) return [changedTag(frames)];
    if (field === 'eth_dst') {
      const isNetworks = frames.dst === 'group' || (this.bridge.isOvn && flow.hasCookie);
      return [isNetworks ? { ...frames, dst: 'group' } : { ...frames, dst: null, isRewritten: true }];
    }
    this.#suspect(flow, `set ${field}`, frames, null);
    return [frames];
  }

  #writePort(flow: OvsFlow, action: string, frames: Followed): readonly Followed[] {
    if (/^pop:/i.test(action)) return [{ ...frames, port: frames.port === 'other' ? 'other' : 'own' }];
    const value = /^(?:load|set_field):([^/]+)->[^[]+(?:\[\])?$/i.exec(action)?.[1] ?? '';
    if (/^(?:any|none)$/i.test(value)) return [this.#putIn(frames, value)];
    if (/^(?:0x[\da-f]+|\d+)$/i.test(value)) return [this.#putIn(frames, String(Number(value)))];
    if (this.bridge.ports.has(value)) return [this.#putIn(frames, value)];
    this.#suspect(flow, 'set in_port', frames, null);
    return [frames];
  }

  #handOver({ flow, label }: Place, action: string, frames: Followed): void {
    const suspect = (what: string, to: readonly string[] | null): void =>
      this.#suspect(flow, label === '' ? what : label, frames, to);
    const { flooded, isOvn } = this.bridge;
    switch (/^[a-z_]*/i.exec(action)?.[0].toLowerCase()) {
      case 'in_port':
        if (frames.port === 'other') suspect('IN_PORT', frames.inPort === null ? null : [frames.inPort]);
        return;
      case 'normal':
        return this.#switch(flow, frames, suspect);
      case 'flood':
        return this.#output(frames, flooded, (to) => suspect('FLOOD', to));
      case 'all':
        return this.#output(frames, this.#allPorts(), (to) => suspect('ALL', to));
      case 'controller':
        if (!(isOvn && flow.hasCookie && action.includes('userdata='))) suspect('CONTROLLER', null);
        return;
      case 'learn':
        if (frames.port === 'other' || !isMacLearning(action)) suspect('learn', null);
        return;
      default:
        return this.#outputTo(action, frames, suspect);
    }
  }

  #outputTo(action: string, frames: Followed, suspect: (what: string, to: readonly string[] | null) => void): void {
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

  /** NORMAL switches by source, port and tag. */
  #switch(flow: OvsFlow, frames: Followed, suspect: (what: string, to: null) => void): void {
    const { inPort, isRewritten, port, changed, isPlain } = frames;
    if (port === 'other') return suspect('NORMAL after a change of in_port', null);
    // those that come from another bridge are mapped
    const isMapped = inPort !== null && this.bridge.ports.get(inPort) === null;
    if (isRewritten || (changed === 'some' && !isMapped)) return suspect(changedNormal, null);
    if (isMapped) return;
    if (changed === 'all') this.#retagged.push(frames);
    else if (!isPlain) this.#picked.push({ flow, frames });
  }

  close(): void {
    const isOf = (some: Frames, others: Frames): boolean =>
      some.inPort === null || others.inPort === null || some.inPort === others.inPort;
    for (const { flow, frames } of this.#picked)
      if (this.#retagged.some((others) => isOf(frames, others))) this.#suspect(flow, changedNormal, frames, null);
  }

  #output(frames: Frames, ports: readonly string[], found: (to: readonly string[]) => void): void {
    const { inPort, dst, isRewritten } = frames;
    if (dst === 'group' && !isRewritten && this.bridge.isOneSegment) return;
    const owners = this.bridge.owners.get(macOf(frames) ?? '') ?? [];
    // a MAC behind several ports is of none
    const others = ports.filter((name) => name !== inPort && (owners.length !== 1 || owners[0] !== name));
    if (others.length > 0) found(others);
  }

  #suspect(flow: OvsFlow, action: string, frames: Followed, to: readonly string[] | null): void {
    const mac = macOf(frames);
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

/**
 * Follows frames of all ports from table 0 through `resubmit`, `goto_table`, `ct(table=)`, groups and registers
 * (ovs-actions(7)). Lists reached actions that may send a frame to another than its destination's owner. Matches of
 * other fields count as possible: it may list too many, never too few. `isWhole` false = over the limit.
 */
export function suspectsOf(bridge: PipelineBridge): {
  readonly suspects: readonly Suspect[];
  readonly isWhole: boolean;
} {
  const pipeline = new Pipeline(bridge);
  pipeline.enter(0, { ...anyFrame, path: [] }, false);
  pipeline.close();
  return { suspects: [...pipeline.suspects.values()], isWhole: pipeline.entries <= maxEntries };
}
