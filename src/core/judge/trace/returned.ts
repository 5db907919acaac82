import { segmentOf } from '../../bridge/bypass/segment.js';
import { isForwarding } from '../../bridge/routing.js';
import { type HostState, type LinkState, pairKinds } from '../../model/state.js';
import type { TracedDevice, TracedPlace } from '../../model/timeline.js';
import { groupBy } from '../../text/collections.js';
import { devicesBelow, hasOtherSwitch, routedPorts } from './strangers.js';
import { type FlowFinder, isRightly, tracedDeviceText, type TraceInput } from './traced-probes.js';

/** A way in beside the step's bridges. */
export interface Entrance {
  readonly name: string;
  /** The guest that sent on its rightful frames. null = from outside: a LAN, a tunnel, a process. */
  readonly guest: string | null;
}

interface KnownEntrance extends Entrance {
  readonly tokens: ReadonlySet<number>;
  /** The home's devices that get its frames. null = perhaps all. */
  readonly reach: ReadonlySet<string> | null;
}

/** These receive only frames that the host itself hands them. */
const internalKinds: readonly (string | null)[] = ['bridge', 'ifb', 'dummy'];

const isApart = ({ home, lower }: TracedDevice): boolean => !home && lower === undefined;

const keyOf = ({ space, ifindex }: TracedDevice): string => `${space} ${ifindex}`;

/**
 * Probes that came in again beside the bridges before a party had them: by a second NIC in an uplink's LAN, a tunnel, a
 * party's own device without a device here, or a guest's rightful frames. Nothing shows that a copy was made here, and
 * nothing that none was.
 */
export class Returned {
  private readonly devices = new Map<string, TracedDevice>();
  private readonly had = { receive: new Map<string, Set<number>>(), transmit: new Map<string, Set<number>>() };
  private readonly links: ReadonlyMap<number, readonly LinkState[]>;
  private readonly judged: ReadonlySet<string>;
  private readonly handed: ReadonlySet<number>;
  private readonly entrances: readonly KnownEntrance[];

  private constructor(
    private readonly input: TraceInput,
    private readonly finder: FlowFinder,
    private readonly states: readonly HostState[],
  ) {
    for (const line of input.trace) if (line.place !== 'end') this.add(line);
    this.links = groupBy(
      states.flatMap(({ links }) => links),
      ({ ifindex }) => ifindex,
    );
    this.judged = this.judgedDevices();
    const devices = [...this.devices.values()];
    this.handed = new Set(devices.flatMap((device) => this.handedTo(device)));
    const here = devices.flatMap((device) => (device.home ? this.entranceHere(device) : []));
    this.entrances = [...here, ...devices.flatMap((device) => (device.home ? [] : this.entranceElsewhere(device)))];
  }

  static of(input: TraceInput, finder: FlowFinder): Returned | null {
    const { before, during = [], after } = input.states;
    const states = [before, ...during, after].filter((state) => state !== null);
    const returned = new Returned(input, finder, states);
    return returned.entrances.length === 0 ? null : returned;
  }

  wayTo({ device }: TracedPlace, parties: readonly string[], token: number): Entrance | undefined {
    if (device !== null) return this.wayToDevice(device, token);
    for (const outer of this.devices.values()) {
      const isTheirs = outer.parties?.some((party) => parties.includes(party)) === true;
      const way = isTheirs ? this.wayToDevice(outer, token) : undefined;
      if (way !== undefined) return way;
    }
    return undefined;
  }

  private wayToDevice(device: TracedDevice, token: number): Entrance | undefined {
    const link = this.linkOf(device);
    return this.entrances.find(({ name, tokens, reach }) => {
      if (!tokens.has(token)) return false;
      // a device apart may stand behind any
      if (reach === null || isApart(device)) return true;
      if (link === undefined) return false;
      return link.name === name ? link.kind !== 'tun' : reach.has(link.name);
    });
  }

  private add({ device, place, tokens, tokenAt }: TracedPlace): void {
    if (device === null || device.own === true || (place !== 'receive' && place !== 'transmit')) return;
    const key = keyOf(device);
    this.devices.set(key, device);
    const had = this.had[place].get(key) ?? new Set<number>();
    this.had[place].set(key, had);
    this.finder.forProbes(tokens, (flow, sequence) => {
      if (flow !== null && this.finder.isAsSent(flow, tokenAt)) had.add(flow.first + sequence);
    });
  }

  private tokensOf(place: 'receive' | 'transmit', device: TracedDevice): ReadonlySet<number> {
    return this.had[place].get(keyOf(device)) ?? new Set();
  }

  private judgedDevices(): ReadonlySet<string> {
    const { plan, step } = this.input;
    const bridges = new Set(step.observers.map(({ bridge }) => bridge));
    const heardAt = step.observers.map((observer) => observer.interface);
    return new Set([
      ...heardAt,
      ...this.states.flatMap((state) => [
        ...segmentOf(bridges, state, routedPorts(plan)),
        ...devicesBelow(heardAt, state.links),
      ]),
    ]);
  }

  private linkOf({ home, ifindex, lower, name }: TracedDevice): LinkState | undefined {
    return this.links.get((home ? ifindex : lower) ?? -1)?.find((link) => !home || link.name === name);
  }

  private handedTo(device: TracedDevice): readonly number[] {
    const link = device.home ? undefined : this.linkOf(device);
    return link === undefined || this.judged.has(link.name) ? [] : [...this.tokensOf('receive', device)];
  }

  private entranceHere(device: TracedDevice): readonly KnownEntrance[] {
    const link = this.linkOf(device);
    const received = this.tokensOf('receive', device);
    if (link === undefined || received.size === 0 || this.judged.has(link.name)) return [];
    if (internalKinds.includes(link.kind) || link.flags.includes('LOOPBACK')) return [];
    const from = pairKinds.includes(link.kind) ? this.sentInto(link) : { guest: null, tokens: received };
    const segments = this.states.map((state) => segmentOf(new Set([link.name]), state));
    const isCarriedOn = this.states.some(
      (state, at) => hasOtherSwitch(segments[at] ?? new Set(), state) || isForwarding(state),
    );
    const reach = isCarriedOn ? null : new Set(segments.flatMap((names) => [...names]));
    return from === null || from.tokens.size === 0 ? [] : [{ name: link.name, ...from, reach }];
  }

  private sentInto(link: LinkState): Pick<KnownEntrance, 'guest' | 'tokens'> | null {
    const far = [...this.devices.values()].find(
      ({ home, lower, ifindex }) => !home && lower === link.ifindex && (link.peer ?? ifindex) === ifindex,
    );
    const [party, ...others] = far?.parties ?? [];
    if (far === undefined || party === undefined || others.length > 0) return null;
    const sent = this.tokensOf('transmit', far);
    const { observers } = this.input.step;
    if (observers.some(({ name, role }) => name === party && role === 'uplink')) return { guest: null, tokens: sent };
    return { guest: party, tokens: this.rightlySent(party, far, sent) };
  }

  private rightlySent(party: string, far: TracedDevice, sent: ReadonlySet<number>): ReadonlySet<number> {
    const had = new Set(
      [...this.devices.values()]
        .filter((device) => device.space === far.space && device !== far)
        .flatMap((device) => [...this.tokensOf('receive', device)]),
    );
    return new Set(
      [...sent].filter((token) => {
        const flow = this.finder.flowOf(token);
        return had.has(token) && flow !== null && isRightly(this.input, flow, party);
      }),
    );
  }

  private entranceElsewhere(device: TracedDevice): readonly KnownEntrance[] {
    const received = this.tokensOf('receive', device);
    if (received.size === 0 || !isApart(device)) return [];
    const tokens = new Set([...received].filter((token) => !this.handed.has(token)));
    // its way to devices here is none that links show
    return tokens.size === 0 ? [] : [{ name: tracedDeviceText(device), guest: null, tokens, reach: new Set() }];
  }
}
