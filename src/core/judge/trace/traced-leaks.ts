import { segmentOf } from '../../bridge/bypass/segment.js';
import { isRoutedTo, placeOf } from '../../model/attach.js';
import type { Flow, Observer, StepPlan } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { TracedReach } from '../../model/result.js';
import { framesOfStep } from '../../plan/flows/shortcuts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { isLeak, partyOf } from '../parties.js';
import type { StepFacts } from '../proof/step-facts.js';
import type { RowInput } from '../rows/probe-row.js';
import { forTokens } from '../count/token-ranges.js';
import type { TracedDevice, TracedPlace, TracedReader, TraceLine } from '../../model/timeline.js';
import type { SocketProcess } from '../../model/packet-socket.js';
import type { Bypass } from '../../bridge/bypass/bypasses.js';

/** A step with its trace. */
export interface TraceInput extends Omit<RowInput, 'day'> {
  /** The step's lines of trace.ndjson. */
  readonly trace: readonly TraceLine[];
  /** True if an observer heard a token, whichever way the frame went and whatever became of it. */
  readonly isHeardAt: (observer: string, token: number) => boolean;
}

/** Findings of the trace beside those of the observers. */
export interface Traced {
  readonly reasons: readonly Reason[];
  /** Devices and processes by which probes reached a party that may not have them. */
  readonly reached: readonly TracedReach[];
  /** Processes that read probes and are no party's. */
  readonly bypasses: readonly Bypass[];
  /** Every packet with a probe was seen to end, and no device had one but those that are to have it. */
  readonly isWhole: boolean;
}

/** A quoted probe stands behind the headers of ICMP and IP at least; a tag more or less moves a token by four bytes. */
const leastQuoted = 20;

/** Flows of a step by token. */
class FlowFinder {
  private readonly offsets = new Map<string, number>();

  constructor(private readonly step: StepPlan) {}

  /** The flow of a token; null = it is none's. Binary search: flows number their tokens in order. */
  flowOf(token: number): Flow | null {
    const { flows } = this.step;
    let [low, high] = [0, flows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((flows.at(middle)?.first ?? 0) <= token) low = middle;
      else high = middle - 1;
    }
    const flow = flows.at(low);
    return flow !== undefined && token >= flow.first && token < flow.first + flow.count ? flow : null;
  }

  /** True if a token stands at its place in the frames of its flow, so that no other packet quotes it. */
  isAsSent({ frame }: Flow, tokenAt: number): boolean {
    const protocol = frame.fields?.protocol ?? '';
    const key = `${frame.carrier} ${frame.vlan.length} ${frame.form ?? ''} ${protocol}`;
    const known = this.offsets.get(key) ?? frameTemplate(frame).tokenAt;
    this.offsets.set(key, known);
    return tokenAt < known + leastQuoted;
  }
}

/** Every frame that left by a port was heard: only then is a token that an observer did not hear one that passed it. */
function isLossless({ stopped }: StepFacts, { observers }: StepPlan): boolean {
  return observers.every(({ name }) => {
    const counters = stopped[name];
    return counters !== undefined && counters.dropped === 0 && counters.delivered === counters.received;
  });
}

const isAtDevice = (line: TraceLine): line is TracedPlace & { readonly device: TracedDevice } =>
  (line.place === 'transmit' || line.place === 'receive') && line.device !== null && line.device.own !== true;

/** How a device is called to people: `eth0 in /run/netns/blue`, `interface 7 in network namespace 4026532987`. */
function tracedDeviceText({ name, ifindex, path, space, home }: TracedDevice): string {
  const device = name ?? `interface ${ifindex}`;
  return home ? device : `${device} in ${path ?? `network namespace ${space}`}`;
}

/**
 * Tokens at a device in the namespace of a party that may not have them, and that none of its observers heard: they
 * came past its ports. A token that entered the bridge a second time does not count, for a guest that had it may have
 * passed it on, nor one that another packet quotes.
 */
function tokensPast(
  { step, facts, tally, parties, isHeardAt }: TraceInput,
  finder: FlowFinder,
  { tokens, tokenAt }: TracedPlace,
  observers: readonly Observer[],
): readonly { readonly flow: Flow; readonly sequence: number; readonly observer: Observer }[] {
  const past: { flow: Flow; sequence: number; observer: Observer }[] = [];
  const first = step.flows.at(0)?.first ?? 0;
  forTokens(tokens, { first, end: first + framesOfStep(step) }, (token) => {
    const flow = finder.flowOf(token);
    const [observer] = observers;
    if (flow === null || observer === undefined || !finder.isAsSent(flow, tokenAt)) return;
    const sequence = token - flow.first;
    if (!isLeak(flow, observer, parties) || tally.entries.isAgain(flow, sequence)) return;
    if (facts.accepted.overlap(token, 1) === 0 || observers.some(({ name }) => isHeardAt(name, token))) return;
    past.push({ flow, sequence, observer });
  });
  return past;
}

/** `process 4711 (/usr/bin/qemu-system-x86_64)`; its name where its program is not known. */
function readerText({ pid, name, program }: TracedReader): string {
  const called = program?.path ?? name;
  return called === '' ? `process ${pid}` : `process ${pid} (${called})`;
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

/** Counts what reached a party past its ports as sightings at its observer. */
function addReached(input: TraceInput, finder: FlowFinder): readonly TracedReach[] {
  const { step, facts, tally, trace } = input;
  if (!isLossless(facts, step)) return [];
  const reached = new Map<string, TracedReach & { readonly seen: Set<number> }>();
  for (const line of trace) {
    const holder = holderOf(line);
    if (holder === null || line.place === 'end') continue;
    const { party, by: device } = holder;
    const observers = step.observers.filter((observer) => observer.judged && partyOf(observer) === party);
    for (const { flow, sequence, observer } of tokensPast(input, finder, line, observers)) {
      tally.sightings.addToken(flow, sequence, observer.name, { frame: 0, high: 0, low: 0 });
      const key = `${observer.name} ${device}`;
      const known = reached.get(key) ?? { observer: observer.name, device, probes: 0, seen: new Set<number>() };
      known.seen.add(flow.first + sequence);
      reached.set(key, known);
    }
  }
  return [...reached.values()].map(({ seen, ...reach }) => ({ ...reach, probes: seen.size }));
}

/** True of a flow that the host itself rightly has. */
function isForHost({ step }: TraceInput, { must, may }: Flow): boolean {
  return step.observers.some(({ place, name }) => place === 'bridge' && (must.includes(name) || may.includes(name)));
}

/** True of a flow that this party rightly has, by what its observers are asked. */
function isRightly({ step, parties }: TraceInput, flow: Flow, party: string): boolean {
  return step.observers.some((observer) => partyOf(observer) === party && !isLeak(flow, observer, parties));
}

/**
 * Processes that read probes which neither the party that they are, nor the host, rightly has: those of no party, and
 * of several, of which one may hand on what another one has.
 */
function readerBypasses(input: TraceInput, finder: FlowFinder): readonly Bypass[] {
  const { step, trace, tally } = input;
  const first = step.flows.at(0)?.first ?? 0;
  return trace.filter(isRead).flatMap((line): readonly Bypass[] => {
    const { reader } = line;
    const names = reader?.parties ?? [];
    let probes = 0;
    forTokens(line.tokens, { first, end: first + framesOfStep(step) }, (token) => {
      const flow = finder.flowOf(token);
      if (flow === null || !flow.judged || tally.entries.isAgain(flow, token - flow.first)) return;
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
        holders: reader === undefined ? [] : [holderIn(reader)],
      },
    ];
  });
}

function holderIn({ pid, name, program, hostsOwn }: TracedReader): SocketProcess {
  return { pid, name, ...(program === undefined ? {} : { program }), ...(hostsOwn === true ? { hostsOwn } : {}) };
}

/** Frames of no protocol that anybody routes: where these are, nothing but a copy has brought them. */
function isUnroutable({ carrier, frame }: Flow): boolean {
  return carrier === 'raw' && frame.form === undefined;
}

/**
 * Devices beside the step's bridges that got frames which no host routes, and are in nobody's namespace: something
 * copies or moves them there.
 */
function besideReasons(input: TraceInput, finder: FlowFinder): readonly Reason[] {
  const { plan, step, states, tally, trace } = input;
  const state = states.before ?? states.after;
  // a process carries frames to what is behind a bridge, Open vSwitch to devices that no link shows, and what is
  // trusted to devices that somebody answers for
  const isCarried = plan.endpoints.some(({ attach }) => placeOf(attach) === 'behind');
  if (state === null || isCarried || step.expect.trust !== undefined || plan.bridges.some(({ kind }) => kind === 'ovs'))
    return [];
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const routed = plan.endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) && port !== null ? [port] : []));
  const segment = segmentOf(bridges, state, routed);
  const heardAt = new Set(step.observers.map((observer) => observer.interface));
  const byIndex = new Map(state.links.map((link) => [link.ifindex, link]));
  const isBeside = ({ home, name, lower, party, ifindex }: TracedDevice): boolean => {
    const link = byIndex.get(home ? ifindex : (lower ?? -1));
    if (link === undefined || link.flags.includes('LOOPBACK') || segment.has(link.name) || heardAt.has(link.name))
      return false;
    return home ? link.name === name : party === undefined;
  };
  const beside = new Map<string, Set<number>>();
  const first = step.flows.at(0)?.first ?? 0;
  for (const line of trace) {
    if (!isAtDevice(line) || !isBeside(line.device)) continue;
    const device = tracedDeviceText(line.device);
    forTokens(line.tokens, { first, end: first + framesOfStep(step) }, (token) => {
      const flow = finder.flowOf(token);
      if (flow === null || !flow.judged || !isUnroutable(flow) || !finder.isAsSent(flow, line.tokenAt)) return;
      if (tally.entries.isAgain(flow, token - flow.first)) return;
      beside.set(device, (beside.get(device) ?? new Set()).add(token));
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

/** The trace lost nothing, each packet died where it could see that, and XDP, into which it cannot look, had none. */
function isClosed({ trace, states: { before, after, during = [] } }: TraceInput): boolean {
  const end = trace.at(-1);
  const counted = end?.place === 'end' ? [...Object.values(end.open), ...Object.values(end.counts)] : null;
  const hasXdp = [before, ...during, after].some(
    (state) =>
      state === null || state.links.some(({ xdp }) => xdp !== undefined) || (state.earPrograms ?? []).length > 0,
  );
  return counted !== null && counted.every((count) => count === 0) && !hasXdp;
}

/**
 * No device had a probe but those that are to: the bridges and ports that are listened on, the run's own, and those of
 * parties that rightly have it.
 */
function isContained(input: TraceInput, finder: FlowFinder): boolean {
  const { step, trace } = input;
  const known = new Set(step.observers.flatMap(({ bridge, interface: name }) => [bridge, name]));
  const first = step.flows.at(0)?.first ?? 0;
  return trace.every((line) => {
    if (line.place === 'end' || line.device === null || line.device.own === true) return true;
    const { home, name, party } = line.device;
    if (home) return name !== null && known.has(name);
    let isPlanned = party !== undefined;
    forTokens(line.tokens, { first, end: first + framesOfStep(step) }, (token) => {
      const flow = finder.flowOf(token);
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
 * It convicts only; a step without a trace is judged by its observers alone.
 */
export function judgeTrace(input: TraceInput): Traced {
  const general = wholeReasons(input);
  if (input.trace.length === 0) return { reasons: general, reached: [], bypasses: [], isWhole: false };
  const finder = new FlowFinder(input.step);
  return {
    reasons: [...general, ...besideReasons(input, finder)],
    reached: addReached(input, finder),
    bypasses: readerBypasses(input, finder),
    isWhole: general.length === 0 && isClosed(input) && isContained(input, finder),
  };
}
