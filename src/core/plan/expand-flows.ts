import { sameSegment } from '../model/host-names.js';
import type { Flows, FrameSpec, NotAsked } from '../model/plan.js';
import type { Bridge, Carrier, Endpoint, Mac, MdbEntry, ProbeEntry, Rounds, Step } from '../model/scenario.js';
import { roundPairs } from '../scenario/steps/pairs.js';
import { VerifyError } from '../model/verify-error.js';
import { documentation, familyOf } from '../probe/addresses.js';
import { classes } from '../probe/classes.js';
import { leastSizeOf } from '../probe/frames/frame.js';
import type { FlowDraft, ProbeClass, ProbeContext, ProbePair } from '../probe/probe-class.js';
import { type FlowCollector, flowCollector } from './flows/flow-collector.js';
import { checkLaidOut } from './size.js';

export interface Numbering {
  flow: number;
  token: number;
  entry: number;
}

export interface FlowContext {
  readonly file: string;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly runTag: number;
  readonly mdb: readonly MdbEntry[];
  /** Stacks that get frames have routes out of the run. */
  readonly onHost: boolean;
  /** Bridges with rules that may distinguish an ICMP error from the packet it stands for. */
  readonly distinguishing: readonly string[];
}

function* roundsOf(
  entry: ProbeEntry,
  to: readonly string[],
  rounds: Rounds,
  { endpoints }: FlowContext,
): Generator<readonly [Endpoint, Endpoint]> {
  for (const pair of roundPairs(entry.from, to, rounds)) {
    const [sender, addressee] = pair.flatMap((name) => endpoints.get(name) ?? []);
    if (sender === undefined || addressee === undefined) continue;
    if (entry.acrossBridges || sameSegment(addressee, sender)) yield [sender, addressee];
  }
}

/** A pair, and the addressee's place in the entry's; -1 = it was not paired by place. */
type TakePair = (from: Endpoint, to: Endpoint | null, place: number) => void;

function eachPair(entry: ProbeEntry, around: FlowContext, take: TakePair): void {
  const resolve = (names: readonly string[]): readonly Endpoint[] =>
    names.flatMap((name) => around.endpoints.get(name) ?? []);
  const addressees = entry.to === null ? null : resolve(entry.to);
  if (entry.rounds !== undefined && entry.to !== null) {
    for (const [from, to] of roundsOf(entry, entry.to, entry.rounds, around)) take(from, to, -1);
    return;
  }
  const [senderNames, addresseeNames] = [new Set(entry.from), new Set(entry.to ?? [])];
  const isPair = (from: Endpoint, to: Endpoint): boolean =>
    to.name !== from.name && (entry.acrossBridges || sameSegment(to, from));
  for (const from of resolve(entry.from)) {
    if (addressees === null) {
      take(from, null, -1);
      continue;
    }
    for (let place = 0; place < addressees.length; place += 1) {
      const to = addressees[place];
      if (to === undefined || !isPair(from, to)) continue;
      take(from, to, place);
      // If both are senders anyway, the reverse comes by itself.
      if (entry.bothWays && !(senderNames.has(to.name) && addresseeNames.has(from.name))) take(to, from, -1);
    }
  }
}

const standIns: readonly string[] = [...documentation.ipv4, ...documentation.ipv6];

function routerMacs(endpoints: Iterable<Endpoint>, bridgeMacs: Readonly<Record<string, Mac>>): ReadonlySet<Mac> {
  const routers = [...endpoints].filter(({ role }) => role === 'host' || role === 'uplink');
  return new Set([...Object.values(bridgeMacs), ...routers.flatMap(({ macs }) => macs)]);
}

/** Carriers of a family that an error replaces if an address is unknown. */
const udpOf = { 4: 'ipv4-udp', 6: 'ipv6-udp' } as const;

/** Records with known addresses. */
interface Known {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  /** By port, else by bridge. */
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly distinguishing: readonly string[];
}

/**
 * Finds packets with a documentation address for an unknown one. The host's or a router's stack would answer or forward
 * them out of any device (RFC 1122 3.3.1): they are not sent. Nor is ARP from such an address, which source filters
 * stop though they pass the guest's own. A bridge's guest gets an ICMP error, which it neither answers nor forwards,
 * unless a rule may ask conntrack about it.
 */
class UnknownAddresses {
  readonly #known: Known;
  readonly #routers: ReadonlySet<Mac>;
  readonly #addresses: ReadonlySet<string>;
  readonly #leftOut = new Map<
    string,
    { readonly key: Pick<NotAsked, 'class' | 'carrier' | 'to'>; from: Set<string> }
  >();

  constructor(known: Known) {
    this.#known = known;
    this.#routers = routerMacs(known.endpoints.values(), known.bridgeMacs);
    this.#addresses = new Set([...known.endpoints.values()].flatMap(({ ips }) => ips.map(({ address }) => address)));
  }

  /** None if nothing judged is left. */
  sendable(drafts: readonly FlowDraft[], entry: ProbeEntry): readonly FlowDraft[] {
    const remaining = drafts.flatMap((draft) => this.#asSent(draft, entry) ?? []);
    return remaining.length === drafts.length || remaining.some(({ judged }) => judged) ? remaining : [];
  }

  list(): readonly NotAsked[] {
    return [...this.#leftOut.values()].map(({ key, from }) => {
      const family = familyOf(key.carrier);
      const hasAddress = (name: string): boolean =>
        this.#known.endpoints.get(name)?.ips.some((ip) => ip.family === family) === true;
      const names = [...from, ...(key.to === null ? [] : [key.to])];
      return { ...key, from: [...from], unknown: names.filter((name) => !hasAddress(name)) };
    });
  }

  /** null = it may not be sent. */
  #asSent(draft: FlowDraft, entry: ProbeEntry): FlowDraft | null {
    const { frame, from, to } = draft;
    const key = { class: entry.class, carrier: frame.carrier, to };
    if (this.#mayNotLeave(frame, entry)) {
      this.#leaveOut(key, from);
      return null;
    }
    const family = frame.carrier === 'arp' ? null : familyOf(frame.carrier);
    if (to === null || family === null || !this.#isForBridgedGuest(to) || !this.#hasStandIn(frame, entry)) return draft;
    const { bridge = '' } = this.#known.endpoints.get(to) ?? {};
    const isDistinguished = this.#known.distinguishing.includes(bridge);
    if (!isDistinguished && frame.form === undefined && frame.carrier === udpOf[family])
      return asUnreachable(draft, family);
    // Else the error tests the family
    if (isDistinguished || !isBeside(draft, entry, udpOf[family])) this.#leaveOut(key, from);
    return null;
  }

  #isForBridgedGuest(name: string): boolean {
    const to = this.#known.endpoints.get(name);
    const kind = this.#known.bridges.get(to?.bridge ?? '')?.kind;
    return to?.role === 'guest' && (kind === 'linux' || kind === 'ovs');
  }

  #isStandIn(address: string | null, written: string | null): boolean {
    return address !== null && address !== written && standIns.includes(address) && !this.#addresses.has(address);
  }

  #hasStandIn({ srcIp, dstIp }: FrameSpec, entry: ProbeEntry): boolean {
    return this.#isStandIn(srcIp, entry.srcIp) || this.#isStandIn(dstIp, entry.dstIp);
  }

  #mayNotLeave(frame: FrameSpec, entry: ProbeEntry): boolean {
    if (frame.carrier === 'arp') return this.#isStandIn(frame.srcIp, entry.srcIp);
    return frame.carrier !== 'raw' && this.#routers.has(frame.dstMac) && this.#hasStandIn(frame, entry);
  }

  #leaveOut(key: Pick<NotAsked, 'class' | 'carrier' | 'to'>, from: string): void {
    const id = JSON.stringify([key.class, key.carrier, key.to]);
    const known = this.#leftOut.get(id) ?? { key, from: new Set<string>() };
    this.#leftOut.set(id, known);
    known.from.add(from);
  }
}

/** The entry sends another frame of the family, which an error replaces. */
function isBeside({ frame }: FlowDraft, { carriers }: ProbeEntry, udp: Carrier): boolean {
  return frame.form !== undefined || carriers === null || carriers.includes(udp);
}

function asUnreachable(draft: FlowDraft, family: 4 | 6): FlowDraft {
  const { size, ...headers } = draft.frame;
  const shape = { ...headers, carrier: `ipv${family}-icmp`, form: 'unreachable' } as const;
  return { ...draft, frame: { ...shape, size: Math.max(size, leastSizeOf(shape)) } };
}

/** Parts of an entry's flows of one carrier and VLAN stack; -1 = not yet known, or not joinable. */
interface KnownParts {
  readonly carrier: Carrier;
  readonly vlan: readonly number[];
  form: number;
  sender: Endpoint | null;
  source: number;
  /** By the addressee's place. */
  readonly aims: number[];
}

/** Joins flows of parts that flows before had: a mesh has a million pairs of a thousand senders and addressees. */
class JoinedFlows {
  readonly #flows: FlowCollector;
  readonly #entry: ProbeEntry;
  readonly #joins: ProbeClass['joins'];
  readonly #parts: KnownParts[] = [];

  /** `isEach`: each draft is sent, whatever its carrier; else raw ones alone are. */
  constructor(
    flows: FlowCollector,
    entry: ProbeEntry,
    private readonly isEach: boolean,
  ) {
    this.#flows = flows;
    this.#entry = entry;
    this.#joins = classes[entry.class].joins;
  }

  /** False = a part is not known. */
  add(from: Endpoint, carrier: Carrier, vlan: readonly number[], place: number): boolean {
    if (place < 0 || this.#joins === undefined) return false;
    const parts = this.#partsOf(carrier, vlan);
    const aim = parts?.aims[place] ?? -1;
    if (parts === undefined || aim < 0 || parts.source < 0 || parts.sender !== from) return false;
    this.#flows.addJoined(parts.form, parts.source, aim);
    return true;
  }

  /** Takes the parts of the pair's flow, which was added last. */
  learn({ from, to, carrier, vlan }: ProbePair, place: number): void {
    const joins = this.#joins;
    if (place < 0 || to === null || joins === undefined || !(this.isEach || carrier === 'raw')) return;
    const parts = this.#partsOf(carrier, vlan) ?? this.#newParts(carrier, vlan);
    const [form, source, aim] = this.#flows.lastParts();
    const isJoined = joins.sender(from) && joins.addressee(to, carrier, this.#entry);
    parts.sender = from;
    parts.source = isJoined ? source : -1;
    if (!isJoined) return;
    parts.form = form;
    parts.aims[place] = aim;
  }

  #newParts(carrier: Carrier, vlan: readonly number[]): KnownParts {
    const parts = { carrier, vlan, form: -1, sender: null, source: -1, aims: [] };
    this.#parts.push(parts);
    return parts;
  }

  #partsOf(carrier: Carrier, vlan: readonly number[]): KnownParts | undefined {
    for (const parts of this.#parts) if (parts.vlan === vlan && parts.carrier === carrier) return parts;
    return undefined;
  }
}

/**
 * A step's flows in the order of sending: by entry, pair, carrier, VLAN stack. A token's index identifies its probe in
 * the run. `notAsked`: on a host, packets to host or router without a known address, and to guests without an error
 * instead. Throws VerifyError: 64 `plan-too-large`, 3 `address-unknown` if a step has no other packets.
 */
export function expandFlows(
  step: Step,
  index: number,
  around: FlowContext,
  numbering: Numbering,
): { readonly flows: Flows; readonly notAsked: readonly NotAsked[] } {
  const flows = flowCollector({ step: index, id: numbering.flow, first: numbering.token });
  const unknown = around.onHost ? new UnknownAddresses(around) : null;
  step.probes.forEach((entry, probe) => {
    const probeClass = classes[entry.class];
    const context: ProbeContext = { entry, ...around, ordinal: numbering.entry };
    const known = new JoinedFlows(flows, entry, unknown === null);
    numbering.entry += 1;
    const addPair = (pair: ProbePair, place: number): void => {
      const drafts = probeClass.flows(pair, context);
      for (const draft of unknown?.sendable(drafts, entry) ?? drafts) {
        const count = draft.count ?? entry.count;
        flows.add(draft, {
          probe,
          class: entry.class,
          count,
          must: draft.judged ? (entry.mustSee ?? step.expect.mustSee ?? draft.must) : [],
          may: draft.judged ? (entry.maySee ?? step.expect.maySee ?? draft.may) : [],
        });
        numbering.flow += 1;
        numbering.token += count;
      }
      known.learn(pair, place);
    };
    eachPair(entry, around, (from, to, place) => {
      for (const carrier of entry.carriers ?? probeClass.defaultCarriers(from, to, entry)) {
        for (const vlan of entry.vlanStacks) {
          if (known.add(from, carrier, vlan, place)) {
            numbering.flow += 1;
            numbering.token += entry.count;
          } else addPair({ from, to, carrier, vlan }, place);
        }
      }
      checkLaidOut(around.file, step, numbering);
    });
  });
  const [planned, notAsked] = [flows.finish(), unknown?.list() ?? []];
  if (planned.length === 0 && step.traffic.length === 0) refuseUnknown(step, notAsked, around.file);
  return { flows: planned, notAsked };
}

function refuseUnknown({ name, line }: Step, [first]: readonly NotAsked[], file: string): void {
  if (first === undefined) return;
  const { class: what, carrier, from, to, unknown } = first;
  throw new VerifyError(
    'address-unknown',
    3,
    `${file}:${line}: step ${JSON.stringify(name)} can send nothing: ${what} from ${from.join(', ')}${to === null ? '' : ` to ${to}`} as ${carrier} takes the addresses of both, and there is no address of ${unknown.join(', ') || 'nobody to send to'}`,
    'write `ip` into the file, ping from these guests once, or write `carriers: [raw]`. Nothing was sent',
  );
}
