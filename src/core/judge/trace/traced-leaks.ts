import type { Flow, Observer } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import { framesOfStep } from '../../plan/flows/shortcuts.js';
import { sampledFrames } from '../../plan/traced-sample.js';
import { isLeak, partyOf } from '../parties.js';
import type { ReturnedReach, TracedPlace, TracedReach, TracedReader, TraceLine } from '../../model/timeline.js';
import type { SocketProcess } from '../../model/packet-socket.js';
import { raise } from '../count/tally.js';
import type { Bypass } from '../../bridge/bypass/bypasses.js';
import { type Entrance, Returned } from './returned.js';
import { type Stranger, Strangers } from './strangers.js';
import {
  FlowFinder,
  isAtDevice,
  isFirst,
  isForHost,
  isLossless,
  isRightly,
  readerText,
  tracedDeviceText,
  type TraceInput,
} from './traced-probes.js';

/** Findings of the trace beside the observers'. */
export interface Traced {
  readonly reasons: readonly Reason[];
  /** Doubts about devices beside the bridges, without strangers that have a leak row. */
  readonly reasonsBeside: (leaking: ReadonlySet<string>) => readonly Reason[];
  readonly reached: readonly TracedReach[];
  /** Ways of probes that came back from beyond an uplink: a doubt each. */
  readonly returned: readonly ReturnedReach[];
  readonly strangers: readonly Observer[];
  readonly bypasses: readonly Bypass[];
  /** Every packet with a traced probe was seen to end, at intended devices only. */
  readonly isClosed: boolean;
  /** The same of every probe of the step. */
  readonly isWhole: boolean;
}

interface PastToken {
  readonly token: number;
  readonly flow: Flow;
  readonly sequence: number;
  readonly observer: Observer;
  /** It entered a bridge once and is in no quoting packet. */
  readonly isFirst: boolean;
}

function tokensPast(
  input: TraceInput,
  finder: FlowFinder,
  line: TracedPlace,
  names: readonly string[],
): readonly PastToken[] {
  const { step, facts, parties, isHeardAt } = input;
  const past: PastToken[] = [];
  const observers = step.observers.filter((observer) => observer.judged && names.includes(partyOf(observer)));
  const [observer] = observers;
  if (observer === undefined) return past;
  finder.forProbes(line.tokens, (flow, sequence) => {
    if (flow === null || !observers.every((of) => isLeak(flow, of, parties))) return;
    const token = flow.first + sequence;
    if (facts.accepted.overlap(token, 1) === 0 || observers.some(({ name }) => isHeardAt(name, token))) return;
    past.push({ token, flow, sequence, observer, isFirst: isFirst(input, finder, line, flow, sequence) });
  });
  return past;
}

const isRead = (line: TraceLine): line is TracedPlace => line.place === 'read' && line.reader?.own !== true;

interface Holder {
  readonly parties: readonly string[];
  readonly by: string;
}

/** A process of several parties may hand on what one has. */
function holderOf(line: TraceLine): Holder | null {
  if (isAtDevice(line)) {
    const { home, parties } = line.device;
    return home || parties === undefined ? null : { parties, by: tracedDeviceText(line.device) };
  }
  if (!isRead(line) || line.reader?.parties.length !== 1) return null;
  return { parties: line.reader.parties, by: readerText(line.reader) };
}

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

interface Reached extends Pick<Traced, 'reached' | 'returned' | 'strangers'> {
  readonly doubts: readonly Reason[];
}

/** Probes that came in again are a doubt. */
class PastPorts {
  private readonly leaks = new Reaches<Omit<TracedReach, 'probes'>>();
  private readonly again = new Reaches<Omit<TracedReach, 'probes'>>();
  private readonly returned = new Reaches<Omit<ReturnedReach, 'probes'>>();
  private readonly replayed = new Set<string>();
  private readonly found = new Map<string, Observer>();
  private readonly back: Returned | null;

  constructor(
    private readonly input: TraceInput,
    private readonly finder: FlowFinder,
    private readonly strangers: Strangers | null,
  ) {
    this.back = Returned.of(input, finder);
    for (const line of input.trace) if (line.place !== 'end') this.look(line);
  }

  outcome(): Reached {
    const returned = this.returned.list();
    return {
      reached: this.leaks.list(),
      returned,
      strangers: [...this.found.values()],
      doubts: [...returnedReasons(returned), ...againReasons(this.again.list())],
    };
  }

  private look(line: TracedPlace): void {
    const stranger = this.strangers?.convicts === true ? this.strangers.strangerAt(line) : null;
    if (stranger !== null) {
      this.lookAtStranger(line, stranger);
      return;
    }
    const holder = holderOf(line);
    if (holder === null) return;
    for (const past of tokensPast(this.input, this.finder, line, holder.parties)) {
      const { token, observer } = past;
      const way = this.back?.wayTo(line, holder.parties, token);
      if (way !== undefined) this.doubt(past, holder.by, way);
      else if (past.isFirst) this.convict(past, holder.by);
      else if (line.place !== 'read' && !this.finder.isInError(past.flow, line.tokenAt))
        this.again.add({ observer: observer.name, device: holder.by }, token);
    }
  }

  private lookAtStranger(line: TracedPlace, { observer, by }: Stranger): void {
    const { facts } = this.input;
    this.finder.forProbes(line.tokens, (flow, sequence) => {
      if (flow?.judged !== true || !isFirst(this.input, this.finder, line, flow, sequence)) return;
      const token = flow.first + sequence;
      if (facts.accepted.overlap(token, 1) === 0 || this.strangers?.isAstray(flow, sequence) !== true) return;
      this.found.set(observer.name, observer);
      this.convict({ token, flow, sequence, observer }, by);
    });
  }

  private convict({ token, flow, sequence, observer }: Omit<PastToken, 'isFirst'>, device: string): void {
    this.input.tally.sightings.addToken(flow, sequence, observer.name, { frame: 0, high: 0, low: 0 });
    this.leaks.add({ observer: observer.name, device }, token);
  }

  private doubt({ token, observer }: PastToken, device: string, { guest, name: at }: Entrance): void {
    const probe = `${token} ${observer.name}`;
    if (guest === null) this.returned.add({ observer: observer.name, device, at }, token);
    else if (!this.replayed.has(probe)) {
      this.replayed.add(probe);
      raise(this.input.tally.replayed, observer.name);
    }
  }
}

/** The LAN handed them over, or a copy was made here that the state does not show. */
function returnedReasons(returned: readonly ReturnedReach[]): readonly Reason[] {
  return returned.map(({ observer, device, at, probes }) =>
    reason(
      'bypass-possible',
      observer,
      `${device} had ${probes} probes that came in again at ${at}, as the kernel's trace shows. A LAN handed them on, or a copy was made here: take ${at} out of that LAN for the run`,
    ),
  );
}

function againReasons(again: readonly TracedReach[]): readonly Reason[] {
  return again.map(({ observer, device, probes }) =>
    reason(
      'bypass-possible',
      observer,
      `${device} had ${probes} probes that had entered the bridge twice or stand in other packets, as the kernel's trace shows. A guest sent on what it had, or a copy was made here: find what leads there`,
    ),
  );
}

/** Endpoints of one owner or namespace share their rightful frames. */
function isOneGuest({ trace, parties }: TraceInput, names: readonly string[]): boolean {
  const [first = ''] = names;
  const isTogether = (known: readonly string[]): boolean => names.every((name) => known.includes(name));
  return (
    isTogether([first, ...parties.othersOf(first)]) ||
    trace.some((line) => line.place !== 'end' && isTogether(line.device?.parties ?? []))
  );
}

/** A process of several parties may hand on what one of them has. */
function readerBypasses(input: TraceInput, finder: FlowFinder): readonly Bypass[] {
  return input.trace.filter(isRead).flatMap((line): readonly Bypass[] => {
    const { reader } = line;
    const names = reader?.parties ?? [];
    const isOne = isOneGuest(input, names);
    let probes = 0;
    finder.forProbes(line.tokens, (flow, sequence) => {
      if (flow === null || !flow.judged) return;
      const rightly = names.filter((name) => isRightly(input, flow, name));
      if (isForHost(input, flow) || (rightly.length > 0 && (isOne || rightly.length === names.length))) return;
      if (names.length > 0 && finder.isInError(flow, line.tokenAt)) return;
      // a leak, unless another packet carries it, as a message to NFLOG does
      if (names.length !== 1 || !isFirst(input, finder, line, flow, sequence)) probes += 1;
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

function lossesOf({ trace }: TraceInput): number | null {
  const end = trace.at(-1);
  return end?.place === 'end' ? Object.values(end.counts).reduce((sum, count) => sum + count, 0) : null;
}

/** The trace cannot look into XDP: it must have had none. */
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

/** A probe whose token stands beyond the searched bytes was not seen. */
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

function isContained(input: TraceInput, finder: FlowFinder): boolean {
  const { step, trace } = input;
  const known = new Set(step.observers.flatMap(({ bridge, interface: name }) => [bridge, name]));
  return trace.every((line) => {
    if (line.place === 'end' || line.device === null || line.device.own === true) return true;
    const { home, name, parties = [] } = line.device;
    if (home) return name !== null && known.has(name);
    let isPlanned = parties.length > 0;
    finder.forProbes(line.tokens, (flow) => {
      isPlanned &&= flow !== null && (!flow.judged || parties.some((party) => isRightly(input, flow, party)));
    });
    return isPlanned;
  });
}

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

/** Judges a step by the kernel's trace: adds tokens past the ports to the tally. It convicts only. */
export function judgeTrace(input: TraceInput): Traced {
  const general = wholeReasons(input);
  const nobody = { reached: [], returned: [], strangers: [] };
  if (input.trace.length === 0) {
    const none = { reasonsBeside: () => [], bypasses: [], isClosed: false, isWhole: false };
    return { ...nobody, ...none, reasons: general };
  }
  const finder = new FlowFinder(input.step);
  const isComplete = general.length === 0 && lossesOf(input) === 0;
  const beside = Strangers.of(input, finder, isComplete);
  const hasEach = hasEachProbe(input, finder);
  const { doubts, ...reached } = isLossless(input.facts, input.step)
    ? new PastPorts(input, finder, beside).outcome()
    : { doubts: [], ...nobody };
  const isClosed = general.length === 0 && hasAllEnds(input) && hasEach && isContained(input, finder);
  return {
    reasons: [...general, ...doubts],
    reasonsBeside: (leaking) => beside?.reasons(leaking) ?? [],
    ...reached,
    bypasses: readerBypasses(input, finder),
    isClosed,
    isWhole: isClosed && !input.facts.isSampled,
  };
}
