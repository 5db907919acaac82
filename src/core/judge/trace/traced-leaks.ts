import type { Flow, Observer } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import { framesOfStep } from '../../plan/flows/shortcuts.js';
import { sampledFrames } from '../../plan/traced-sample.js';
import { isLeak, partyOf } from '../parties.js';
import type { ReturnedReach, TracedPlace, TracedReach, TracedReader, TraceLine } from '../../model/timeline.js';
import type { SocketProcess } from '../../model/packet-socket.js';
import { raise } from '../count/tally.js';
import type { Bypass } from '../../bridge/bypass/bypasses.js';
import { Returned } from './returned.js';
import { Strangers } from './strangers.js';
import {
  FlowFinder,
  forFirstProbes,
  isAtDevice,
  isForHost,
  isLossless,
  isRightly,
  readerText,
  tracedDeviceText,
  type TraceInput,
} from './traced-probes.js';

/** Findings of the trace beside those of the observers. */
export interface Traced {
  readonly reasons: readonly Reason[];
  /** Doubts about devices beside the bridges, but for strangers of which a row says that they have leaks. */
  readonly reasonsBeside: (leaking: ReadonlySet<string>) => readonly Reason[];
  /** Devices and processes by which probes reached a party that may not have them. */
  readonly reached: readonly TracedReach[];
  /** Devices and processes that had probes which had come back in from beyond an uplink: a doubt each. */
  readonly returned: readonly ReturnedReach[];
  /** Observers in place of those among them that are in no plan. */
  readonly strangers: readonly Observer[];
  /** Processes that read probes and are no party's. */
  readonly bypasses: readonly Bypass[];
  /** Every packet with a traced probe was seen to end, and no device had one but those that are to have it. */
  readonly isClosed: boolean;
  /** The same of every probe of the step. */
  readonly isWhole: boolean;
}

/** A token that came to a party past its ports; the first of its observers counts it. */
interface PastToken {
  readonly flow: Flow;
  readonly sequence: number;
  readonly observer: Observer;
}

/**
 * Tokens at a device in the namespace of a party that may not have them, and that none of its observers heard: they
 * came past its ports.
 */
function tokensPast(
  input: TraceInput,
  finder: FlowFinder,
  line: TracedPlace,
  observers: readonly Observer[],
): readonly PastToken[] {
  const { facts, parties, isHeardAt } = input;
  const past: PastToken[] = [];
  const [observer] = observers;
  forFirstProbes(input, finder, line, (flow, sequence) => {
    if (observer === undefined || !isLeak(flow, observer, parties)) return;
    const token = flow.first + sequence;
    if (facts.accepted.overlap(token, 1) === 0 || observers.some(({ name }) => isHeardAt(name, token))) return;
    past.push({ flow, sequence, observer });
  });
  return past;
}

const isRead = (line: TraceLine): line is TracedPlace => line.place === 'read' && line.reader?.own !== true;

/** The one party that had the packets of a line, and the device or the process by which it had them. */
function holderOf(line: TraceLine): { readonly party: string; readonly by: string } | null {
  if (isAtDevice(line)) {
    const { home, party } = line.device;
    return home || party === undefined ? null : { party, by: tracedDeviceText(line.device) };
  }
  if (!isRead(line) || line.reader === undefined) return null;
  const [party, ...others] = line.reader.parties;
  return party === undefined || others.length > 0 ? null : { party, by: readerText(line.reader) };
}

/** The party or stranger that had the packets of a line past the ports: its observers, and the name of its device. */
interface Holder {
  readonly observers: readonly Observer[];
  readonly by: string;
  readonly isStranger: boolean;
}

function holderIn(line: TraceLine, { step }: TraceInput, strangers: Strangers | null): Holder | null {
  const stranger = strangers?.convicts === true ? strangers.strangerAt(line) : null;
  if (stranger !== null) return { observers: [stranger.observer], by: stranger.by, isStranger: true };
  const holder = holderOf(line);
  if (holder === null) return null;
  const { party, by } = holder;
  const observers = step.observers.filter((observer) => observer.judged && partyOf(observer) === party);
  return { observers, by, isStranger: false };
}

/** Ways by which probes came to observers, each with its distinct probes. */
class Reaches<Way extends Omit<TracedReach, 'probes'>> {
  private readonly ways = new Map<string, { readonly way: Way; readonly seen: Set<number> }>();

  add(way: Way, token: number): void {
    const key = Object.values(way).join(' ');
    const known = this.ways.get(key) ?? { way, seen: new Set<number>() };
    known.seen.add(token);
    this.ways.set(key, known);
  }

  list(): readonly (Way & Pick<TracedReach, 'probes'>)[] {
    return [...this.ways.values()].map(({ way, seen }) => ({ ...way, probes: seen.size }));
  }
}

/**
 * Counts what reached anybody past the ports as sightings at its observer, which a stranger gets. What came back in is
 * a doubt.
 */
function addReached(
  input: TraceInput,
  finder: FlowFinder,
  strangers: Strangers | null,
  back: Returned | null,
): Pick<Traced, 'reached' | 'returned' | 'strangers'> {
  const { step, facts, tally, trace } = input;
  if (!isLossless(facts, step)) return { reached: [], returned: [], strangers: [] };
  const reached = new Reaches<Omit<TracedReach, 'probes'>>();
  const returned = new Reaches<Omit<ReturnedReach, 'probes'>>();
  const replayed = new Set<string>();
  const found = new Map<string, Observer>();
  /** True of a probe that came back in. */
  const isBack = (line: TracedPlace, { flow, sequence, observer }: PastToken, device: string): boolean => {
    const way = back?.wayTo(line, partyOf(observer), flow, sequence);
    if (way === undefined) return false;
    const token = flow.first + sequence;
    const probe = `${token} ${observer.name}`;
    if (way.guest === null) returned.add({ observer: observer.name, device, at: way.name }, token);
    else if (!replayed.has(probe)) {
      replayed.add(probe);
      raise(tally.replayed, observer.name);
    }
    return true;
  };
  for (const line of trace) {
    const holder = holderIn(line, input, strangers);
    if (holder === null || line.place === 'end') continue;
    const { observers, by: device, isStranger } = holder;
    for (const past of tokensPast(input, finder, line, observers)) {
      const { flow, sequence, observer } = past;
      if (isStranger ? strangers?.isAstray(flow, sequence) !== true : isBack(line, past, device)) continue;
      if (isStranger) found.set(observer.name, observer);
      tally.sightings.addToken(flow, sequence, observer.name, { frame: 0, high: 0, low: 0 });
      reached.add({ observer: observer.name, device }, flow.first + sequence);
    }
  }
  return { reached: reached.list(), returned: returned.list(), strangers: [...found.values()] };
}

/** The LAN handed them over, or a copy was made here that the state does not show: counts do not say which. */
function returnedReasons(returned: readonly ReturnedReach[]): readonly Reason[] {
  return returned.map(({ observer, device, at, probes }) =>
    reason(
      'bypass-possible',
      observer,
      `${device} had ${probes} probes that left by an uplink and came back in at ${at}, as the kernel's trace shows. The LAN handed them on, or a copy was made here: take ${at} out of that LAN for the run`,
    ),
  );
}

/**
 * Processes that read probes which neither the party that they are, nor the host, rightly has: those of no party, and
 * of several, of which one may hand on what another one has.
 */
function readerBypasses(input: TraceInput, finder: FlowFinder): readonly Bypass[] {
  const { trace, tally } = input;
  return trace.filter(isRead).flatMap((line): readonly Bypass[] => {
    const { reader } = line;
    const names = reader?.parties ?? [];
    let probes = 0;
    finder.forProbes(line.tokens, (flow, sequence) => {
      if (flow === null || !flow.judged || tally.entries.isAgain(flow, sequence)) return;
      if (isForHost(input, flow) || (names.length > 0 && names.every((name) => isRightly(input, flow, name)))) return;
      // a leak, unless another packet carries it, as a message to NFLOG does
      if (names.length !== 1 || !finder.isAsSent(flow, line.tokenAt)) probes += 1;
    });
    if (probes === 0) return [];
    const called = reader?.program?.path ?? reader?.name ?? '';
    return [
      {
        what: called === '' ? 'reader of probes' : `reader ${called}`,
        where: reader === undefined ? 'a process that is not seen here' : `process ${reader.pid}`,
        remedy: `it read ${probes} probes, as the kernel's trace shows: end it, or answer for it with trust`,
        holders: reader === undefined ? [] : [processOf(reader)],
      },
    ];
  });
}

function processOf({ pid, name, program, hostsOwn }: TracedReader): SocketProcess {
  return { pid, name, ...(program === undefined ? {} : { program }), ...(hostsOwn === true ? { hostsOwn } : {}) };
}

/** The sum of what the trace lost or could not look into; null = its end is not there. */
function lossesOf({ trace }: TraceInput): number | null {
  const end = trace.at(-1);
  return end?.place === 'end' ? Object.values(end.counts).reduce((sum, count) => sum + count, 0) : null;
}

/** The trace lost nothing, each packet died where it could see that, and XDP, into which it cannot look, had none. */
function hasAllEnds(input: TraceInput): boolean {
  const { before, after, during = [] } = input.states;
  const end = input.trace.at(-1);
  const open = end?.place === 'end' ? Object.values(end.open) : [];
  const hasXdp = [before, ...during, after].some(
    (state) =>
      state === null || state.links.some(({ xdp }) => xdp !== undefined) || (state.earPrograms ?? []).length > 0,
  );
  return lossesOf(input) === 0 && open.every((count) => count === 0) && !hasXdp;
}

/** Each traced probe was seen somewhere: one whose token stands beyond what is searched was not. */
function hasEachProbe({ step, facts, trace }: TraceInput, finder: FlowFinder): boolean {
  const first = step.flows.at(0)?.first ?? 0;
  const seen = new Uint8Array(framesOfStep(step));
  if (facts.isSampled)
    step.flows.forEach((flow) =>
      seen.fill(1, flow.first + sampledFrames(flow) - first, flow.first + flow.count - first),
    );
  for (const line of trace)
    if (line.place !== 'end')
      finder.forProbes(line.tokens, (flow, sequence) => {
        if (flow !== null) seen[flow.first + sequence - first] = 1;
      });
  return !seen.includes(0);
}

/**
 * No device had a probe but those that are to: the bridges and ports that are listened on, the run's own, and those of
 * parties that rightly have it.
 */
function isContained(input: TraceInput, finder: FlowFinder): boolean {
  const { step, trace } = input;
  const known = new Set(step.observers.flatMap(({ bridge, interface: name }) => [bridge, name]));
  return trace.every((line) => {
    if (line.place === 'end' || line.device === null || line.device.own === true) return true;
    const { home, name, party } = line.device;
    if (home) return name !== null && known.has(name);
    let isPlanned = party !== undefined;
    finder.forProbes(line.tokens, (flow) => {
      isPlanned &&= flow !== null && party !== undefined && (!flow.judged || isRightly(input, flow, party));
    });
    return isPlanned;
  });
}

/** trace.ndjson has to have as many lines of the step as were written. */
function wholeReasons({ facts: { traced }, trace }: TraceInput): readonly Reason[] {
  const expected = typeof traced === 'number' ? traced : 0;
  return expected === trace.length
    ? []
    : [
        reason(
          'evidence-incomplete',
          null,
          `trace.ndjson had ${expected} lines of this step, ${trace.length} were read back`,
        ),
      ];
}

/**
 * Judges a step by the kernel's trace, beyond its observers: adds to the tally what reached a party past its ports.
 * It convicts only; a step without a trace is judged by its observers alone. `mayBypass`: something on the host may
 * carry frames past the ports.
 */
export function judgeTrace(input: TraceInput, mayBypass: () => boolean): Traced {
  const general = wholeReasons(input);
  const none = { reasonsBeside: () => [], reached: [], returned: [], strangers: [], bypasses: [] };
  if (input.trace.length === 0) return { ...none, isClosed: false, isWhole: false, reasons: general };
  const finder = new FlowFinder(input.step);
  const isComplete = general.length === 0 && lossesOf(input) === 0;
  const beside = Strangers.of(input, finder, isComplete);
  const hasEach = hasEachProbe(input, finder);
  const back = Returned.of(input, finder, isComplete && hasEach, mayBypass);
  const reached = addReached(input, finder, beside, back);
  const isClosed = general.length === 0 && hasAllEnds(input) && hasEach && isContained(input, finder);
  return {
    reasons: [...general, ...returnedReasons(reached.returned)],
    reasonsBeside: (leaking) => beside?.reasons(leaking) ?? [],
    ...reached,
    bypasses: readerBypasses(input, finder),
    isClosed,
    isWhole: isClosed && !input.facts.isSampled,
  };
}
