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

/** Frames of a direction or foreign conversation at one observer. */
export interface FrameCount {
  frames: number;
  first: First;
}

/** Overheard unicast between two others. */
export interface ForeignTalk {
  readonly observer: string;
  readonly src: string;
  readonly dst: string;
  readonly count: FrameCount;
}

/** A flow's altered frames at an observer. */
export interface AlteredFrames {
  readonly forms: Map<FrameFormName, number>;
  readonly example: AlteredFrame;
}

/** Overheard answers to a flow. */
export interface OverheardAnswers {
  readonly flow: Flow;
  readonly observer: Observer;
  readonly by: string;
  readonly sequences: Set<number>;
  readonly first: First;
}

/** Tokens in packets of the host or a router, with first frames. */
export interface StackMadeTokens {
  readonly flow: Flow;
  readonly made: StackMade;
  readonly firsts: Map<number, FrameArrival>;
}

/** Counts made while the capture is read. */
export interface StepTally {
  readonly sightings: SeenTokens;
  /** By `flow|observer`. Empty in a step without events. */
  readonly moments: Map<string, SeenAt[]>;
  readonly entries: EnteredTokens;
  readonly controls: Set<number>;
  /** By observer of unknown direction: tokens seen twice, or perhaps repeated by it. */
  readonly twice: Map<string, number>;
  /** By observer: tokens it sent that no capture saw it get. */
  readonly unheard: Map<string, number>;
  /** By observer: forbidden tokens, after a guest had repeated them. */
  readonly replayed: Map<string, number>;
  /** By `flow|observer`. */
  readonly altered: Map<string, AlteredFrames>;
  /** By `flow|observer`. */
  readonly answers: Map<string, OverheardAnswers>;
  /** By `flow|observer`. Decided once snapshots are known. */
  readonly stackMade: Map<string, StackMadeTokens>;
  /** `endpoint|MAC`: that endpoint's answer entered on its way to that MAC. */
  readonly answerWays: Set<string>;
  /** By `flow|observer`: sightings of tokens that had returned from an uplink. */
  readonly reflected: Map<string, number>;
  /** By `traffic index/direction/observer`, with `>` from → to, `<` back. */
  readonly traffic: Map<string, FrameCount>;
  readonly trafficEntered: Map<string, number>;
  /**
   * Foreign unicast by `observer|source|destination`, and entering unicast by sender. Keys are never parsed: the kernel
   * allows `|` in device names.
   */
  readonly foreign: Map<string, ForeignTalk>;
  readonly crossed: Map<string, { readonly from: string; readonly to: string }>;
  /** By `observer|MAC`, from the bridge's learning. */
  readonly owned: Map<string, readonly OwnedTime[]>;
  readonly noise: Map<string, Map<string, { towards: number; entered: number }>>;
  readonly read: Map<string, number>;
}

/** A frame as captured. All frames of an observer reuse one object: do not keep it. */
export interface FrameArrival {
  readonly step: StepPlan;
  readonly observer: Observer;
  readonly party: string;
  readonly inward: boolean;
  /** The direction is a guess: the engine reports none. */
  readonly inferred: boolean;
  /** A byte for each token heard here in any direction, but in an ICMP error. null = too many tokens. */
  readonly heard: Uint8Array | null;
  readonly firstToken: number;
  /** To the guest, or on the bridge device to the host. */
  towards: boolean;
  /** As `First.frame`. */
  frame: number;
  /** The time in ns, two 32-bit words. */
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

/** Steps' tallies; tokens may arrive after their step. */
export interface Tallies {
  readonly plan: Plan;
  /** False: a token may be anyone's. */
  readonly keyed: boolean;
  readonly steps: readonly StepTally[];
  readonly parties: Parties;
  /** MACs of the host and its guests. Others are beyond uplinks. */
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
 * Empty tallies of a plan's steps. `keyed`: the run's key is known. `rowsPerFlow`: limits rows with first sightings
 * (seen-tokens.ts).
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

/** Counts a frame and returns its count. */
export function countFrame(map: Map<string, FrameCount>, key: string, first: First): FrameCount {
  const known = map.get(key);
  if (known !== undefined) return addFrame(known, first);
  const count = { frames: 1, first };
  map.set(key, count);
  return count;
}

/** A MAC's time at a bridge port, ns since 1970. */
export interface OwnedTime {
  readonly from: bigint;
  to: bigint | null;
}

/** Twice the interval at which the run reads kernel events. */
const learnedWithinNs = 100_000_000n;

/** Without endpoints' MACs: taking one gets frames for another. */
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

/** Notes temporary owners of MACs. */
export function noteStations(
  { plan, steps }: Tallies,
  facts: readonly { readonly stations: Parameters<typeof ownedTimes>[0] }[],
): void {
  const listed = new Set(plan.endpoints.flatMap(({ macs }) => macs));
  for (const [at, { stations }] of facts.entries())
    for (const [key, times] of ownedTimes(stations, (mac) => listed.has(mac))) steps[at]?.owned.set(key, times);
}

/** True if it was the observer's at that time. */
export function isOwned({ owned }: StepTally, observer: string, mac: string, { high, low }: WordTime): boolean {
  const times = owned.size === 0 ? undefined : owned.get(`${observer}|${mac}`);
  if (times === undefined) return false;
  const at = nsOf({ high, low });
  return times.some(({ from, to }) => at >= from && (to === null || at <= to));
}

/** Like `countFrame`, for unicast between others. */
export function countForeign({ foreign }: StepTally, talk: Omit<ForeignTalk, 'count'>, first: First): FrameCount {
  const key = `${talk.observer}|${talk.src}|${talk.dst}`;
  const known = foreign.get(key);
  if (known !== undefined) return addFrame(known.count, first);
  const count = { frames: 1, first };
  foreign.set(key, { ...talk, count });
  return count;
}

/** A frame's authentic probe token. */
export type ProbeSighting = Omit<Extract<Sighting, { kind: 'probe' }>, 'kind' | 'tokenAt'>;

/** The count of a probe's frame: its entry at its sender, its sighting by an observer, that again, or another. */
export type CountedAs = 'entered' | 'seen' | 'again' | 'other';

/** Times are kept only in a step with events. */
export function noteMoment(tally: StepTally, flow: Flow, sequence: number, arrival: FrameArrival): void {
  const key = `${flow.id}|${arrival.observer.name}`;
  const moments = tally.moments.get(key) ?? [];
  moments.push({ sequence, timeNs: nsOf(arrival) });
  tally.moments.set(key, moments);
}
