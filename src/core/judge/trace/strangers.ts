import { linkNamed } from '../../bridge/host.js';
import { routingMasters, segmentOf } from '../../bridge/bypass/segment.js';
import { isRoutedTo, placeOf } from '../../model/attach.js';
import type { Flow, Observer, Plan } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import { type HostState, type LinkState, pairKinds } from '../../model/state.js';
import type { TracedDevice, TracedPlace, TraceLine } from '../../model/timeline.js';
import { groupBy } from '../../text/collections.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import {
  type FlowFinder,
  isAtDevice,
  isForHost,
  readerText,
  tracedDeviceText,
  type TraceInput,
} from './traced-probes.js';

/** A device beside the step's bridges of no party, and the process with its frames. */
export interface Stranger {
  readonly observer: Observer;
  /** `eth0 in /proc/77/ns/net of process 77 (/usr/bin/x)`. */
  readonly by: string;
}

/** No router forwards this protocol: beside the bridges its frames are copies. */
function isUnroutable({ carrier, frame }: Flow): boolean {
  return carrier === 'raw' && frame.form === undefined;
}

/** All ports of these are walked, or they get no frames of others. */
const knownMasters: readonly unknown[] = ['bridge', 'bond', ...routingMasters];

/** True if the segment's frames reach a switch of another kind, whose ports get them too. */
export function hasOtherSwitch(segment: ReadonlySet<string>, state: HostState): boolean {
  return state.links.some(
    ({ name, kind, master }) =>
      segment.has(name) &&
      (kind === 'openvswitch' || (master !== null && !knownMasters.includes(linkNamed(state, master)?.kind))),
  );
}

/** Devices that these stand on, and members of a bond. */
export function devicesBelow(ports: Iterable<string>, links: readonly LinkState[]): ReadonlySet<string> {
  const byName = groupBy(links, ({ name }) => name);
  const members = groupBy(links, ({ master }) => master);
  const below = new Set<string>();
  const goDown = (name: string): void => {
    const lower = (byName.get(name) ?? []).flatMap((link) => (pairKinds.includes(link.kind) ? [] : (link.lower ?? [])));
    for (const device of [...lower, ...(members.get(name) ?? []).map((member) => member.name)]) {
      if (below.has(device)) continue;
      below.add(device);
      goDown(device);
    }
  };
  for (const port of ports) goDown(port);
  return below;
}

/** Ports by which the host routes to its endpoints. */
export function routedPorts({ endpoints }: Pick<Plan, 'endpoints'>): readonly string[] {
  return endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) && port !== null ? [port] : []));
}

/** A process or guest chose the name: it must not look like another device. */
function namePart(name: string): string {
  return name.replace(/[\s/@#|]/g, '_');
}

/** Devices beside the bridges that had probes, and their processes. */
export class Strangers {
  private readonly byIndex: ReadonlyMap<number, LinkState>;
  private readonly names: ReadonlySet<string>;
  private readonly macs: ReadonlySet<string>;
  private readonly segment: ReadonlySet<string>;
  private readonly heardAt: ReadonlySet<string>;
  private readonly below: ReadonlySet<string>;
  /** A port leads to a device there: probes may have come by that. */
  private readonly joined: ReadonlySet<number>;
  private readonly isRouted: boolean;
  private readonly isJudged: boolean;
  private readonly entered = new Set<number>();
  private readonly observers = new Map<string, Observer>();

  private constructor(
    private readonly input: TraceInput,
    private readonly finder: FlowFinder,
    states: readonly HostState[],
    private readonly isComplete: boolean,
  ) {
    const { plan, step, trace } = input;
    const links = states.flatMap((state) => state.links);
    const routed = routedPorts(plan);
    this.isRouted = routed.length > 0;
    const bridges = new Set(step.observers.map(({ bridge }) => bridge));
    // a guest that starts meanwhile gets floods as others do
    const segments = states.map((state) => segmentOf(bridges, state, routed));
    this.segment = new Set(segments.flatMap((segment) => [...segment]));
    this.heardAt = new Set(step.observers.map((observer) => observer.interface));
    this.byIndex = new Map(links.map((link) => [link.ifindex, link]));
    this.names = new Set(links.map(({ name }) => name));
    this.macs = new Set(links.map(({ mac }) => mac));
    const ports = step.observers.filter(({ place }) => place === 'port').map((observer) => observer.interface);
    this.below = devicesBelow(ports, links);
    this.joined = new Set(trace.flatMap((line) => this.joinedBy(line)));
    const isCarried = plan.endpoints.some(({ attach }) => placeOf(attach) === 'behind');
    this.isJudged =
      !isCarried &&
      plan.bridges.every(({ kind }) => kind !== 'ovs') &&
      !states.some((state, at) => hasOtherSwitch(segments[at] ?? new Set(), state));
    for (const line of trace) if (this.isEntry(line)) this.addEntered(line);
  }

  /**
   * null = nothing is known beside the bridges, or it is accounted for. `isComplete`: the trace lost nothing, else it
   * may lack probes' entrances.
   */
  static of(input: TraceInput, finder: FlowFinder, isComplete: boolean): Strangers | null {
    const { step, states } = input;
    const known = [states.before, ...(states.during ?? []), states.after].filter((state) => state !== null);
    return known.length === 0 || step.expect.trust !== undefined
      ? null
      : new Strangers(input, finder, known, isComplete);
  }

  /**
   * True if frames beside the bridges count as a leak. A process carries frames behind a bridge, Open vSwitch to
   * devices that no link shows.
   */
  get convicts(): boolean {
    return this.isJudged && this.isComplete;
  }

  private isOfBridges({ name }: LinkState): boolean {
    return this.segment.has(name) || this.heardAt.has(name);
  }

  private joinedBy(line: TraceLine): readonly number[] {
    if (line.place === 'end' || line.device === null || line.device.home) return [];
    const link = this.byIndex.get(line.device.lower ?? -1);
    return link !== undefined && this.isOfBridges(link) ? [line.device.space] : [];
  }

  private linkTo({ home, name, lower, parties, ifindex }: TracedDevice): LinkState | null {
    const link = this.byIndex.get(home ? ifindex : (lower ?? -1));
    if (link === undefined || link.flags.includes('LOOPBACK') || this.isOfBridges(link)) return null;
    return (home ? link.name === name : parties === undefined) ? link : null;
  }

  /**
   * A guest may send its rightful frames by another port. The kernel notes frames of a VLAN device or bond only at the
   * device below (__netif_receive_skb_core, net/core/dev.c).
   */
  private isEntry(line: TraceLine): line is TracedPlace {
    if (line.place !== 'receive' || !isAtDevice(line) || !line.device.home) return false;
    const link = this.byIndex.get(line.device.ifindex);
    if (link?.name !== line.device.name) return true;
    if (this.heardAt.has(link.name)) return false;
    if (this.below.has(link.name)) return true;
    return this.linkTo(line.device) !== null && !(pairKinds.includes(link.kind) && this.names.has(link.lower ?? ''));
  }

  private addEntered({ tokens }: TracedPlace): void {
    this.finder.forProbes(tokens, (flow, sequence) => {
      if (flow !== null) this.entered.add(flow.first + sequence);
    });
  }

  strangerAt(line: TraceLine): Stranger | null {
    if (line.place === 'end' || line.device === null || line.device.own === true) return null;
    const { device } = line;
    const link = this.linkTo(device);
    if (link === null) return null;
    return device.home ? this.readerOf(line, link, device) : this.ownerOf(line, link, device);
  }

  private ownerOf(line: TracedPlace, link: LinkState, device: TracedDevice): Stranger | null {
    const { owner, space, ifindex, name } = device;
    if (owner === undefined || !isAtDevice(line) || this.joined.has(space)) return null;
    const observer = this.observerAt(`${space} ${ifindex}`, name ?? 'device', link, device);
    return { observer, by: `${tracedDeviceText(device)} of ${readerText(owner)}` };
  }

  private readerOf({ place, reader }: TracedPlace, link: LinkState, device: TracedDevice): Stranger | null {
    if (link.kind !== 'tun' || place !== 'read' || reader === undefined) return null;
    if (reader.own === true || reader.parties.length > 0) return null;
    const observer = this.observerAt(`${link.ifindex} read by ${reader.pid}`, reader.name, link, device);
    return { observer, by: `${link.name} of ${readerText(reader)}` };
  }

  private observerAt(key: string, name: string, { name: lower, kind }: LinkState, device: TracedDevice): Observer {
    const known = this.observers.get(key);
    if (known !== undefined) return known;
    const { observers } = this.input.step;
    const taken = new Set([...observers, ...this.observers.values()].map((observer) => observer.name));
    const wanted = `${namePart(name)}@${lower}`;
    let free = wanted;
    for (let number = 2; taken.has(free); number += 1) free = `${wanted}#${number}`;
    const observer: Observer = {
      name: free,
      interface: lower,
      ...{ bridge: observers[0]?.bridge ?? '', place: 'port', role: 'guest', macs: [], judged: true },
      device: { name: device.name ?? lower, space: device.path ?? null, kind: kind ?? '' },
    };
    this.observers.set(key, observer);
    return observer;
  }

  /** The host routes no frame for another MAC than its own (PACKET_OTHERHOST, ip_rcv_core of net/ipv4/ip_input.c). */
  isAstray(flow: Flow, sequence: number): boolean {
    if (this.entered.has(flow.first + sequence) || isForHost(this.input, flow)) return false;
    const { dstMac } = flow.frame;
    if (isGroupMacText(dstMac)) return false;
    return isUnroutable(flow) || (!this.isRouted && !this.macs.has(dstMac));
  }

  /**
   * A doubt for each device with frames that no host routes, or that would leak if the trace were complete. `leaking`:
   * strangers with a row for these.
   */
  reasons(leaking: ReadonlySet<string>): readonly Reason[] {
    const beside = new Map<string, Set<number>>();
    for (const line of this.input.trace) {
      if (!isAtDevice(line) || this.linkTo(line.device) === null) continue;
      const stranger = this.strangerAt(line)?.observer.name;
      const device = tracedDeviceText(line.device);
      this.finder.forProbes(line.tokens, (flow, sequence) => {
        if (flow?.judged !== true || !this.finder.isAsSent(flow, line.tokenAt)) return;
        const isAstray = stranger !== undefined && this.isJudged && this.isAstray(flow, sequence);
        // a guest that had it may have passed on what entered twice, or hides a copy by that
        const isSure = this.isComplete && !this.input.tally.entries.isAgain(flow, sequence);
        if (!isUnroutable(flow) && !(isAstray && !isSure)) return;
        if (isAstray && leaking.has(stranger)) return;
        beside.set(device, (beside.get(device) ?? new Set()).add(flow.first + sequence));
      });
    }
    return [...beside].map(([device, tokens]) =>
      reason(
        'bypass-possible',
        null,
        `${device} is no part of these bridges and had ${tokens.size} probes, as the kernel's trace shows: something copies or moves frames there past every capture point`,
      ),
    );
  }
}
