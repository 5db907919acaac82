import { segmentOf } from '../../bridge/bypass/segment.js';
import { isRoutedTo, placeOf } from '../../model/attach.js';
import type { Flow, Observer } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import { type HostState, type LinkState, pairKinds } from '../../model/state.js';
import type { TracedDevice, TracedPlace, TraceLine } from '../../model/timeline.js';
import { mapByName } from '../../text/collections.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import {
  type FlowFinder,
  isAtDevice,
  isForHost,
  readerText,
  tracedDeviceText,
  type TraceInput,
} from './traced-probes.js';

/** A device beside the step's bridges that is no party's, with the process that has its frames. */
export interface Stranger {
  readonly observer: Observer;
  /** `eth0 in /proc/77/ns/net of process 77 (/usr/bin/x)`. */
  readonly by: string;
}

/** Frames of no protocol that anybody routes: where these are, nothing but a copy has brought them. */
function isUnroutable({ carrier, frame }: Flow): boolean {
  return carrier === 'raw' && frame.form === undefined;
}

/** Devices that no port of the bridges leads to, and who has the probes that the kernel's trace saw there. */
export class Strangers {
  private readonly byIndex: ReadonlyMap<number, LinkState>;
  private readonly byName: ReadonlyMap<string, LinkState>;
  private readonly segment: ReadonlySet<string>;
  private readonly heardAt: ReadonlySet<string>;
  private readonly isRouted: boolean;
  private readonly entered = new Set<number>();

  private constructor(
    private readonly input: TraceInput,
    private readonly finder: FlowFinder,
    states: readonly HostState[],
  ) {
    const { plan, step, trace } = input;
    const links = states.flatMap((state) => state.links);
    const routed = plan.endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) && port !== null ? [port] : []));
    this.isRouted = routed.length > 0;
    const bridges = new Set(step.observers.map(({ bridge }) => bridge));
    // a guest that starts meanwhile gets floods as others do
    this.segment = new Set(states.flatMap((state) => [...segmentOf(bridges, state, routed)]));
    this.heardAt = new Set(step.observers.map((observer) => observer.interface));
    this.byIndex = new Map(links.map((link) => [link.ifindex, link]));
    this.byName = mapByName(links);
    for (const line of trace) if (this.isEntry(line)) this.addEntered(line);
  }

  /**
   * Null = nothing beside the bridges can be judged. A process carries frames to what is behind a bridge. Open vSwitch
   * carries them to devices that no link shows. What is trusted carries them where somebody answers for it.
   */
  static of(input: TraceInput, finder: FlowFinder): Strangers | null {
    const { plan, step, states } = input;
    const known = [states.before, ...(states.during ?? []), states.after].filter((state) => state !== null);
    const isCarried = plan.endpoints.some(({ attach }) => placeOf(attach) === 'behind');
    if (known.length === 0 || isCarried || step.expect.trust !== undefined) return null;
    return plan.bridges.some(({ kind }) => kind === 'ovs') ? null : new Strangers(input, finder, known);
  }

  /** The link of the bridges' namespace that leads there; null = it is none beside the bridges. */
  private linkTo({ home, name, lower, party, ifindex }: TracedDevice): LinkState | null {
    const link = this.byIndex.get(home ? ifindex : (lower ?? -1));
    if (link === undefined || link.flags.includes('LOOPBACK')) return null;
    if (this.segment.has(link.name) || this.heardAt.has(link.name)) return null;
    return (home ? link.name === name : party === undefined) ? link : null;
  }

  /** True if frames came in there from elsewhere: a guest that rightly had them may have sent them by another port. */
  private isEntry(line: TraceLine): line is TracedPlace {
    if (line.place !== 'receive' || !isAtDevice(line) || !line.device.home) return false;
    const link = this.linkTo(line.device);
    return link !== null && !(pairKinds.includes(link.kind) && this.byName.has(link.lower ?? ''));
  }

  private addEntered({ tokens }: TracedPlace): void {
    this.finder.forProbes(tokens, (flow, sequence) => {
      if (flow !== null) this.entered.add(flow.first + sequence);
    });
  }

  /** The owner of what a line shows beside the bridges: a process in another namespace, or one that reads a tap. */
  strangerAt(line: TraceLine): Stranger | null {
    if (line.place === 'end' || line.device === null || line.device.own === true) return null;
    const { device } = line;
    const link = this.linkTo(device);
    if (link === null) return null;
    if (!device.home && isAtDevice(line) && device.owner !== undefined) {
      const by = `${tracedDeviceText(device)} of ${readerText(device.owner)}`;
      return { observer: this.observerAt(device.name ?? 'device', link, device), by };
    }
    const { reader } = line;
    if (!device.home || link.kind !== 'tun' || line.place !== 'read' || reader === undefined) return null;
    if (reader.own === true || reader.parties.length > 0) return null;
    return { observer: this.observerAt(reader.name, link, device), by: `${link.name} of ${readerText(reader)}` };
  }

  private observerAt(name: string, { name: lower, kind }: LinkState, device: TracedDevice): Observer {
    const [bridge = ''] = this.input.step.observers.map((observer) => observer.bridge);
    return {
      name: `${name}@${lower}`,
      interface: lower,
      ...{ bridge, place: 'port', role: 'guest', macs: [], judged: true },
      device: { name: device.name ?? lower, space: device.path ?? null, kind: kind ?? '' },
    };
  }

  /**
   * True of a probe that nothing but a copy or a detour brings beside the bridges: the host routes no frame for another
   * MAC than its own (PACKET_OTHERHOST, ip_rcv_core of net/ipv4/ip_input.c).
   */
  isAstray(flow: Flow, sequence: number): boolean {
    if (this.entered.has(flow.first + sequence) || isForHost(this.input, flow)) return false;
    const { dstMac } = flow.frame;
    if (isGroupMacText(dstMac)) return false;
    if (isUnroutable(flow)) return true;
    return !this.isRouted && [...this.byName.values()].every(({ mac }) => mac !== dstMac);
  }

  /** A doubt for each device that had frames which no host routes. `known`: devices at which they count as leaks. */
  reasons(known: ReadonlySet<string>): readonly Reason[] {
    const beside = new Map<string, Set<number>>();
    for (const line of this.input.trace) {
      if (!isAtDevice(line) || this.linkTo(line.device) === null) continue;
      const stranger = this.strangerAt(line);
      if (stranger !== null && known.has(stranger.observer.name)) continue;
      const device = tracedDeviceText(line.device);
      this.finder.forProbes(line.tokens, (flow, sequence) => {
        if (flow === null || !flow.judged || !isUnroutable(flow) || !this.finder.isAsSent(flow, line.tokenAt)) return;
        if (this.input.tally.entries.isAgain(flow, sequence)) return;
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
