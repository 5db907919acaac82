import type { Sighting } from '../recognise/classify.js';
import type { Flow, Observer, Plan, StepPlan } from '../../model/plan.js';
import type { AlteredFrame } from '../../model/result.js';
import type { Mac } from '../../model/scenario.js';
import { nsOf, type WordTime } from '../../pcap/time-words.js';
import type { StackMade } from '../recognise/answer.js';
import type { FrameFormName } from '../recognise/frame-form.js';
import { framesOfStep } from '../../plan/flows/shortcuts.js';
import { isInward } from '../../plan/observers.js';
import { maxTraced } from '../../model/timeline.js';
import { createParties, type Parties, partyOf } from '../parties.js';
import { createEnteredTokens, type EnteredTokens } from './entered-tokens.js';
import { type First, SeenTokens } from './seen-tokens.js';
import { addTo } from '../../text/collections.js';

/** A probe's sighting in time. */
export interface SeenAt {
  readonly sequence: number;
  readonly timeNs: bigint;
}

/** Frames of one direction of traffic, or of one foreign conversation, at one observer. */
export interface FrameCount {
  frames: number;
  first: First;
}

/** Unicast between two others that an observer overheard. */
export interface ForeignTalk {
  readonly observer: string;
  readonly src: string;
  readonly dst: string;
  readonly count: FrameCount;
}

/** Sightings of a flow at an observer in frames that are not as they were sent. */
export interface AlteredFrames {
  readonly forms: Map<FrameFormName, number>;
  /** The first of them that came. */
  readonly example: AlteredFrame;
}

/** Answers to a flow that an observer overheard. */
export interface OverheardAnswers {
  readonly flow: Flow;
  readonly observer: Observer;
  /** As `ProbeAnswer` has it. */
  readonly by: string;
  /** Probes that were answered. */
  readonly sequences: Set<number>;
  readonly first: First;
}

/** Tokens at one observer in packets that the host or a router made, with the first frame of each. */
export interface StackMadeTokens {
  readonly flow: Flow;
  readonly made: StackMade;
  readonly firsts: Map<number, FrameArrival>;
}

/**
 * What the capture says of one step, counted while it is read. Keys of maps name a flow or conversation and an
 * observer.
 */
export interface StepTally {
  /** Sightings towards observers that are the probe itself. */
  readonly sightings: SeenTokens;
  /** When each was seen, by `flow|observer`, in a step with events; else empty. */
  readonly moments: Map<string, SeenAt[]>;
  readonly entries: EnteredTokens;
  readonly controls: Set<number>;
  /** Observers without known direction that saw a token twice, or that may have said one again. */
  readonly twice: Map<string, number>;
  /** By observer: tokens that it sent although nobody was seen to hand them to it. */
  readonly unheard: Map<string, number>;
  /** By observer: tokens that it saw and must not see, after a guest had said them again. */
  readonly replayed: Map<string, number>;
  /** By `flow|observer`: what sightings that are not as they were sent look like. */
  readonly altered: Map<string, AlteredFrames>;
  /** By `flow|observer`. */
  readonly answers: Map<string, OverheardAnswers>;
  /** By `flow|observer`; decided when the snapshots are known. */
  readonly stackMade: Map<string, StackMadeTokens>;
  /** `endpoint|MAC`: an answer of that endpoint entered on its way to that MAC. */
  readonly answerWays: Set<string>;
  /** By `flow|observer`: sightings of tokens that had come in again from an uplink. */
  readonly reflected: Map<string, number>;
  /** `traffic index/way/observer` → frames; way `>` from → to, `<` back. */
  readonly traffic: Map<string, FrameCount>;
  readonly trafficEntered: Map<string, number>;
  /**
   * Listening: `observer|source|destination` → foreign unicast; and unicast that entered, by its sender. Keys are not
   * taken apart: a container names its devices, and the kernel allows `|`.
   */
  readonly foreign: Map<string, ForeignTalk>;
  readonly crossed: Map<string, { readonly from: string; readonly to: string }>;
  /** `observer|MAC` → when the bridge had that MAC at the observer's port, as it was heard to learn. */
  readonly owned: Map<string, readonly OwnedTime[]>;
  /** By observer and source MAC: frames that are none of the run's, on their way to the observer or in at its port. */
  readonly noise: Map<string, Map<string, { towards: number; entered: number }>>;
  /** Frames read from the capture, by observer. */
  readonly read: Map<string, number>;
}

/** A frame as an observer captured it. All frames of an observer share one object in turn: nothing keeps it. */
export interface FrameArrival {
  readonly step: StepPlan;
  readonly observer: Observer;
  /**
   * The endpoint that the observer belongs to, and whether what comes in there is towards it: not asked anew for each
   * of a million frames.
   */
  readonly party: string;
  readonly inward: boolean;
  /** The direction is a guess: the engine knows none. */
  readonly inferred: boolean;
  /** A byte for each token of the step: it was heard here, whichever way; null = the step has too many for that. */
  readonly heard: Uint8Array | null;
  /** The step's first token. */
  readonly firstToken: number;
  /** To the guest, or on the bridge device to the host. */
  towards: boolean;
  /** As `First.frame`. */
  frame: number;
  /** When, ns in two words of 32 bits. */
  high: number;
  low: number;
}

/** The object that all frames of an observer share. */
export function arrivalAt(step: StepPlan, observer: Observer, inferred: boolean): FrameArrival {
  const frames = framesOfStep(step);
  return {
    step,
    observer,
    party: partyOf(observer),
    inward: isInward(observer),
    inferred,
    heard: frames > maxTraced ? null : new Uint8Array(frames),
    firstToken: step.flows.at(0)?.first ?? 0,
    towards: false,
    frame: 0,
    high: 0,
    low: 0,
  };
}

/** The step that a token belongs to, and its tally; tokens may turn up after their step. */
export interface Tallies {
  readonly plan: Plan;
  /** False: the run's key is not known, so a token may be anybody's. */
  readonly keyed: boolean;
  readonly steps: readonly StepTally[];
  readonly parties: Parties;
  /** MACs of the host and of what is on it; others are beyond uplinks. */
  readonly macsHere: ReadonlySet<Mac>;
}

function createTally(step: StepPlan, rowsPerFlow: number | undefined): StepTally {
  return {
    sightings: new SeenTokens(step.flows, rowsPerFlow === undefined ? undefined : rowsPerFlow * step.flows.length),
    moments: new Map(),
    entries: createEnteredTokens(step.flows),
    controls: new Set(),
    twice: new Map(),
    unheard: new Map(),
    replayed: new Map(),
    altered: new Map(),
    answers: new Map(),
    stackMade: new Map(),
    answerWays: new Set(),
    reflected: new Map(),
    traffic: new Map(),
    trafficEntered: new Map(),
    foreign: new Map(),
    owned: new Map(),
    crossed: new Map(),
    noise: new Map(),
    read: new Map(),
  };
}

/**
 * Tallies of a plan's steps, with nothing counted yet. `keyed`: the run's key is known. `rowsPerFlow`: of this
 * many rows it is known where they were first seen (seen-tokens.ts).
 */
export function createTallies(plan: Plan, keyed: boolean, rowsPerFlow?: number): Tallies {
  const steps = plan.steps.map((step) => createTally(step, rowsPerFlow));
  const macsHere = new Set([
    ...Object.values(plan.bridgeMacs),
    ...plan.endpoints.flatMap(({ role, macs }) => (role === 'uplink' ? [] : macs)),
  ]);
  return { plan, keyed, parties: createParties(plan.endpoints), steps, macsHere };
}

export function raise(map: Map<string, number>, key: string, by = 1): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

function addFrame(count: FrameCount, first: First): FrameCount {
  count.frames += 1;
  if (first.timeNs < count.first.timeNs) count.first = first;
  return count;
}

/** Counts a frame, and gives the count that it is in. */
export function countFrame(map: Map<string, FrameCount>, key: string, first: First): FrameCount {
  const known = map.get(key);
  if (known !== undefined) return addFrame(known, first);
  const count = { frames: 1, first };
  map.set(key, count);
  return count;
}

/** From when a bridge had a MAC at a port, and until when. Times, ns since 1970. */
export interface OwnedTime {
  readonly from: bigint;
  to: bigint | null;
}

/** The run looks at the kernel's events this often, and at most twice as long is taken for one. */
const learnedWithinNs = 100_000_000n;

/**
 * When MACs belonged to observers, by what bridges were heard to learn, in order. A MAC that is an endpoint's is left
 * out: what takes it gets frames that are for another.
 */
function ownedTimes(
  stations: readonly { readonly mac: string; readonly observer: string | null; readonly ns: bigint }[],
  isListed: (mac: string) => boolean,
): Map<string, readonly OwnedTime[]> {
  const owned = new Map<string, OwnedTime[]>();
  const present = new Map<string, { readonly observer: string | null; readonly time: OwnedTime }>();
  for (const { mac, observer, ns } of stations) {
    const known = present.get(mac);
    if (isListed(mac) || (known !== undefined && known.observer === observer)) continue;
    if (known !== undefined) known.time.to = ns;
    const time = { from: ns - learnedWithinNs, to: null };
    present.set(mac, { observer, time });
    if (observer === null) continue;
    addTo(owned, `${observer}|${mac}`, time);
  }
  return owned;
}

/** Notes in the tally of each step which MACs were whose for a time. */
export function noteStations(
  { plan, steps }: Tallies,
  facts: readonly { readonly stations: Parameters<typeof ownedTimes>[0] }[],
): void {
  const listed = new Set(plan.endpoints.flatMap(({ macs }) => macs));
  for (const [at, { stations }] of facts.entries())
    for (const [key, times] of ownedTimes(stations, (mac) => listed.has(mac))) steps[at]?.owned.set(key, times);
}

/** True if a MAC belonged to an observer then. */
export function isOwned({ owned }: StepTally, observer: string, mac: string, { high, low }: WordTime): boolean {
  const times = owned.size === 0 ? undefined : owned.get(`${observer}|${mac}`);
  if (times === undefined) return false;
  const at = nsOf({ high, low });
  return times.some(({ from, to }) => at >= from && (to === null || at <= to));
}

/** As `countFrame`, of unicast between others. */
export function countForeign({ foreign }: StepTally, talk: Omit<ForeignTalk, 'count'>, first: First): FrameCount {
  const key = `${talk.observer}|${talk.src}|${talk.dst}`;
  const known = foreign.get(key);
  if (known !== undefined) return addFrame(known.count, first);
  const count = { frames: 1, first };
  foreign.set(key, { ...talk, count });
  return count;
}

/** A genuine token of a probe in a frame, as far as counting needs it. */
export type ProbeSighting = Omit<Extract<Sighting, { kind: 'probe' }>, 'kind' | 'tokenAt'>;

/**
 * What a frame of a probe counted as: its entry where its sender is, its sighting by an observer, the same once more;
 * or something else.
 */
export type CountedAs = 'entered' | 'seen' | 'again' | 'other';

/** Notes when a probe was seen, in a step with events. */
export function noteMoment(tally: StepTally, flow: Flow, sequence: number, arrival: FrameArrival): void {
  const key = `${flow.id}|${arrival.observer.name}`;
  const moments = tally.moments.get(key) ?? [];
  moments.push({ sequence, timeNs: nsOf(arrival) });
  tally.moments.set(key, moments);
}
