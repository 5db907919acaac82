import { linkNamed } from '../../bridge/host.js';
import { segmentOf } from '../../bridge/bypass/segment.js';
import type { Flow, Observer } from '../../model/plan.js';
import { type HostState, type LinkState, pairKinds } from '../../model/state.js';
import type { TracedDevice, TracedPlace } from '../../model/timeline.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import { devicesBelow, routedPorts } from './strangers.js';
import { type FlowFinder, isRightly, type TraceInput } from './traced-probes.js';

/** A way back in, beside the bridges of the step. */
export interface Entrance {
  /** Its device. */
  readonly name: string;
  /** The guest that sent them on; null = they came from beyond an uplink. */
  readonly guest: string | null;
}

interface KnownEntrance extends Entrance {
  /** Probes that came in there, and those of them that were not dropped there, as by an idle member of a bond. */
  readonly tokens: ReadonlySet<number>;
  readonly alive: ReadonlySet<number>;
  /** Packets that came in there: a LAN may double frames. */
  readonly packets: number;
  /** Names of the devices that frames which come in there get to. */
  readonly reach: ReadonlySet<string>;
}

/** Packets with probes as they were sent, at one device and place. */
interface Passage {
  packets: number;
  readonly tokens: Set<number>;
}

/** Functions that let go of a socket's copy of a packet, which ends apart from the packet (net/packet/af_packet.c). */
const copyEnds = /^t?packet_rcv/;

const keyOf = ({ space, ifindex }: TracedDevice): string => `${space} ${ifindex}`;

function unchangedLinks([first, ...others]: readonly HostState[]): readonly LinkState[] {
  return (first?.links ?? []).filter((link) =>
    others.every((state) => {
      const same = linkNamed(state, link.name);
      return same?.ifindex === link.ifindex && same.master === link.master && same.lower === link.lower;
    }),
  );
}

function judgedDevices({ plan, step }: TraceInput, states: readonly HostState[]): ReadonlySet<string> {
  const routed = routedPorts(plan);
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const heardAt = step.observers.map((observer) => observer.interface);
  return new Set([
    ...heardAt,
    ...states.flatMap((state) => [...segmentOf(bridges, state, routed), ...devicesBelow(heardAt, state.links)]),
  ]);
}

function isOnce({ packets, tokens }: Passage): boolean {
  return packets === tokens.size;
}

const nothing: Passage = { packets: 0, tokens: new Set() };

/** True of a device that a frame gets to in the receive loop of the one below, without being received again. */
function isUpper({ kind, lower }: LinkState): boolean {
  return lower !== undefined && !pairKinds.includes(kind);
}

/** True of the other end of a pair; another device of its namespace may stand on the near end (macvlan). */
function isFarEnd({ ifindex }: TracedDevice, { kind, peer = ifindex }: LinkState): boolean {
  return pairKinds.includes(kind) && peer === ifindex;
}

/**
 * Probes that left the bridges where they may, and came back in at a device beside them: from the LAN of an uplink at a
 * second NIC, or from a guest that sent on what it rightly had. Nothing shows that a copy was made here for the devices
 * behind, and nothing that it was not: the bridge there may have refused what came in.
 */
export class Returned {
  private readonly passages = new Map<string, Passage>();
  private readonly deaths = new Map<string, number>();
  private readonly devices = new Map<string, TracedDevice>();
  private readonly links: readonly LinkState[];
  private readonly entrances: readonly KnownEntrance[];

  private constructor(
    private readonly input: TraceInput,
    private readonly finder: FlowFinder,
    private readonly states: readonly HostState[],
    private readonly isComplete: boolean,
  ) {
    this.links = unchangedLinks(states);
    for (const line of input.trace) if (line.place !== 'end') this.add(line);
    const judged = judgedDevices(input, states);
    this.entrances = this.links.flatMap((link) => (judged.has(link.name) ? [] : (this.entranceAt(link, judged) ?? [])));
  }

  /**
   * Null = no probe came back in; or a rule, a program or a process may have handed them over (`mayBypass`).
   * `isComplete`: the trace lost nothing, else counts show nothing.
   */
  static of(input: TraceInput, finder: FlowFinder, isComplete: boolean, mayBypass: () => boolean): Returned | null {
    const { before, during = [], after } = input.states;
    if (before === null || after === null) return null;
    const states = [before, ...during, after].filter((state) => state !== null);
    const returned = new Returned(input, finder, states, isComplete);
    return returned.entrances.length === 0 || mayBypass() ? null : returned;
  }

  /**
   * The way back in of a probe before a party had it; undefined = there was none, or more than that one copy came.
   * Processes of the party, and devices behind its own, have what those have.
   */
  wayTo({ device, place }: TracedPlace, party: string, flow: Flow, sequence: number): Entrance | undefined {
    const isBehind = device === null || (!device.home && device.lower === undefined);
    if (!isBehind) return this.wayToDevice(device, place, flow, sequence);
    for (const outer of this.devices.values()) {
      const way = outer.party === party ? this.wayToDevice(outer, place, flow, sequence) : undefined;
      if (way !== undefined) return way;
    }
    return undefined;
  }

  private wayToDevice(
    device: TracedDevice,
    place: TracedPlace['place'],
    flow: Flow,
    sequence: number,
  ): Entrance | undefined {
    const link = this.linkOf(device);
    if (link === undefined) return undefined;
    const token = flow.first + sequence;
    return this.entrances.find(({ name, reach, tokens, alive }) => {
      if (device.home && device.name === name)
        return tokens.has(token) && (place === 'receive' || place === 'drop' || place === 'consume');
      // a macvlan gets a copy of a broadcast, whose first one the NIC drops (macvlan_handle_frame)
      const isOn = device.home ? isUpper(link) && link.lower === name : link.name === name && !isFarEnd(device, link);
      return (
        (isOn ? tokens : alive).has(token) &&
        reach.has(link.name) &&
        this.mayBeHanded(link, device, token) &&
        !this.isElsewhere(link, flow)
      );
    });
  }

  private add(line: TracedPlace): void {
    if (line.device === null) return;
    this.devices.set(keyOf(line.device), line.device);
    const tokens: number[] = [];
    let isAsSent = false;
    this.finder.forProbes(line.tokens, (flow, sequence) => {
      isAsSent ||= flow === null || this.finder.isAsSent(flow, line.tokenAt);
      tokens.push((flow?.first ?? 0) + sequence);
    });
    if (!isAsSent) return;
    const device = keyOf(line.device);
    const isEnd = line.place === 'drop' || line.place === 'consume';
    if (isEnd && copyEnds.test(line.function ?? '')) return;
    if (isEnd) this.deaths.set(device, (this.deaths.get(device) ?? 0) + line.packets);
    const key = `${line.place} ${device}`;
    const passage = this.passages.get(key) ?? { packets: 0, tokens: new Set<number>() };
    this.passages.set(key, passage);
    passage.packets += line.packets;
    for (const token of tokens) passage.tokens.add(token);
  }

  private passage(place: TracedPlace['place'], device: Pick<TracedDevice, 'space' | 'ifindex'>): Passage | undefined {
    return this.passages.get(`${place} ${device.space} ${device.ifindex}`);
  }

  private linkOf({ home, ifindex, lower, name }: TracedDevice): LinkState | undefined {
    const link = this.links.find((at) => at.ifindex === (home ? ifindex : (lower ?? -1)));
    return home && link?.name !== name ? undefined : link;
  }

  private atHome(link: LinkState): TracedDevice | undefined {
    return [...this.devices.values()].find(
      ({ home, ifindex, name }) => home && ifindex === link.ifindex && name === link.name,
    );
  }

  private entranceAt(link: LinkState, judged: ReadonlySet<string>): KnownEntrance | null {
    const device = this.atHome(link);
    const received = device === undefined ? undefined : this.passage('receive', device);
    if (device === undefined || received === undefined) return null;
    const from = this.senderTo(link);
    if (from === null) return null;
    const dropped = this.passage('drop', device)?.tokens ?? new Set();
    const tokens = new Set([...received.tokens].filter((token) => from.tokens.has(token)));
    // of two copies one may be dropped
    const alive = isOnce(received) ? new Set([...tokens].filter((token) => !dropped.has(token))) : tokens;
    const reaches = this.states.map((state) => segmentOf(new Set([link.name]), state));
    const [first = new Set<string>(), ...others] = reaches;
    const reach = new Set([...first].filter((name) => others.every((names) => names.has(name))));
    if (tokens.size === 0 || reaches.some((names) => [...names].some((name) => judged.has(name)))) return null;
    return { name: link.name, guest: from.guest, tokens, alive, packets: received.packets, reach };
  }

  private senderTo(link: LinkState): { readonly guest: string | null; readonly tokens: ReadonlySet<number> } | null {
    const ports = this.input.step.observers.filter(({ place }) => place === 'port');
    if (link.kind === null && link.lower === undefined && link.switchId === undefined)
      return { guest: null, tokens: this.leftBy(ports.filter(({ role }) => role === 'uplink')) };
    const far = [...this.devices.values()].find(
      (device) => !device.home && device.lower === link.ifindex && isFarEnd(device, link),
    );
    if (!pairKinds.includes(link.kind) || far?.party === undefined) return null;
    const near = ports.filter(({ name }) => name === far.party);
    const isOutside = near.some(({ role }) => role === 'uplink');
    const sent = this.passage('transmit', far);
    if (sent === undefined || !(isOutside || isOnce(sent))) return null;
    return { guest: isOutside ? null : far.party, tokens: this.sentOnBy(far, far.party, sent, this.leftBy(near)) };
  }

  /** Probes that a party sent by a device of its namespace after another one there had received them. */
  private sentOnBy(far: TracedDevice, party: string, sent: Passage, handed: ReadonlySet<number>): ReadonlySet<number> {
    const had = new Set<number>();
    for (const device of this.devices.values())
      if (device.space === far.space && device !== far)
        for (const token of this.passage('receive', device)?.tokens ?? []) had.add(token);
    const isRight = (token: number): boolean => {
      const flow = this.finder.flowOf(token);
      return flow !== null && isRightly(this.input, flow, party) && handed.has(token) && had.has(token);
    };
    return new Set([...sent.tokens].filter(isRight));
  }

  private leftBy(ports: readonly Observer[]): ReadonlySet<number> {
    const left = new Set<number>();
    const names = new Set(ports.map((observer) => observer.interface));
    for (const device of this.devices.values())
      if (device.home && names.has(device.name ?? ''))
        for (const token of this.passage('transmit', device)?.tokens ?? []) left.add(token);
    return left;
  }

  /**
   * True if the device had no more packets than came in where frames get to it: more came by another way. A bond takes
   * a frame from each of its members.
   */
  private mayBeHanded(link: LinkState, device: TracedDevice, token: number): boolean {
    if (!this.isComplete) return true;
    const came = this.entrances.reduce((sum, { reach, packets }) => sum + (reach.has(link.name) ? packets : 0), 0);
    const home = this.atHome(link) ?? { space: 0, ifindex: 0 };
    const near = this.passage('transmit', home) ?? nothing;
    const heard = this.passage('receive', home) ?? nothing;
    if (Math.max(near.packets, heard.packets) > came) return false;
    if (device.home) return near.tokens.has(token) || heard.tokens.has(token) || isUpper(link);
    const received = this.passage('receive', device) ?? nothing;
    if (isFarEnd(device, link))
      return near.tokens.has(token) && received.tokens.has(token) && this.hasAtMost(near.packets, device);
    // what a bond or a VLAN device gets is received below it alone
    const isHeard = heard.packets === 0 ? link.kind !== 'bridge' : heard.tokens.has(token);
    return isHeard && this.hasAtMost(came, device);
  }

  /** True if no more packets came to a device; what is received ends once. */
  private hasAtMost(packets: number, device: TracedDevice): boolean {
    const received = this.passage('receive', device)?.packets ?? packets;
    return received <= packets && (this.deaths.get(keyOf(device)) ?? 0) <= received;
  }

  /** True if the bridge of a port has the addressee at another one, so that it hands none to this one. */
  private isElsewhere({ name, master }: LinkState, { frame: { dstMac } }: Flow): boolean {
    if (master === null || isGroupMacText(dstMac)) return false;
    return this.states.some(({ fdb }) =>
      fdb.some((entry) => entry.master === master && entry.mac === dstMac && entry.port !== name),
    );
  }
}
