import type { Observer, Plan, StepPlan } from '../../model/plan.js';
import { nsOf, type WordTime } from '../../pcap/time-words.js';
import { type AddressPairs, createAddressPairs } from '../../wire/address-pairs.js';
import { ethernetLength, etherTypes, isGroupMac, macLength, macText } from '../../wire/ethernet.js';
import { viewFrame } from '../../wire/frame-view.js';
import { readU16 } from '../../wire/bytes.js';
import { countNoise } from './noise.js';
import type { First } from './seen-tokens.js';
import { isOfTalk, type Talk, talksAstray, talksBetween, talksOf } from './talks.js';
import {
  countForeign,
  countFrame,
  type FrameCount,
  isOwned,
  raise,
  type FrameArrival,
  type StepTally,
} from './tally.js';

/** Direction, number and time of a frame. */
export type PlainSighting = Pick<FrameArrival, 'towards' | 'frame' | 'high' | 'low'>;

/** Counts frames without token, mostly guests' traffic. */
export interface PlainFrames {
  count(bytes: Uint8Array, start: number, end: number, arrival: Readonly<PlainSighting>): void;
  finish(): void;
}

interface Row {
  readonly add: (first: First) => FrameCount;
  count: FrameCount | null;
  readonly earliest: WordTime;
}

interface TalkRow extends Row {
  readonly talk: Talk;
  entered: number;
}

interface Pair {
  /** Without ARP. */
  readonly traffic: readonly TalkRow[];
  /** For another endpoint, by IP address. */
  readonly astray: readonly TalkRow[];
  readonly foreign: Row | null;
  /** The addressee, if it was temporarily the observer's. */
  readonly mayBeOwn: string | null;
  /** Unicast from here that others might overhear. */
  readonly crosses: string | null;
}

function row(add: Row['add']): Row {
  return { add, count: null, earliest: { high: 0, low: 0 } };
}

function addTo(row: Row, { frame, high, low }: Readonly<PlainSighting>): void {
  const { count, earliest } = row;
  if (count !== null && (high > earliest.high || (high === earliest.high && low >= earliest.low))) {
    count.frames += 1;
    return;
  }
  earliest.high = high;
  earliest.low = low;
  row.count = row.add({ frame, timeNs: nsOf(earliest) });
}

function isTraffic(bytes: Uint8Array, start: number, end: number): boolean {
  const etherType = end - start < ethernetLength ? 0 : readU16(bytes, start + 12);
  if (etherType === etherTypes.ipv4 || etherType === etherTypes.ipv6) return true;
  const view = viewFrame(bytes, start, end);
  return view !== null && view.etherType !== etherTypes.arp;
}

/** As `countSighting`, for frames without token. `lossy`: with dropped frames sources matter. */
export function createPlainFrames(
  step: StepPlan,
  observer: Observer,
  tally: StepTally,
  plan: Plan,
  lossy: boolean,
): PlainFrames {
  return new PlainFrameCounter(step, observer, tally, plan, lossy);
}

class PlainFrameCounter implements PlainFrames {
  private frames = 0;
  private readonly entering: TalkRow[] = [];
  private readonly talks: readonly Talk[];
  private readonly watches: boolean;
  /** Few devices send to most of a mesh's thousand observers. */
  private pairs: AddressPairs<Pair> | null = null;

  constructor(
    private readonly step: StepPlan,
    private readonly observer: Observer,
    private readonly tally: StepTally,
    private readonly plan: Plan,
    private readonly lossy: boolean,
  ) {
    this.talks = talksOf(step, plan);
    this.watches = step.traffic.length > 0 || (step.listenMs !== null && observer.place !== 'bridge');
  }

  count(bytes: Uint8Array, start: number, end: number, arrival: Readonly<PlainSighting>): void {
    this.frames += 1;
    if (end - start < ethernetLength) return;
    if (this.lossy)
      countNoise(this.tally.noise, this.observer.name, macText(bytes, start + macLength), arrival.towards);
    if (this.watches) this.countWatched(bytes, start, end, arrival);
  }

  finish(): void {
    if (this.frames > 0) raise(this.tally.read, this.observer.name, this.frames);
    for (const { talk, entered } of this.entering) if (entered > 0) raise(this.tally.trafficEntered, talk.key, entered);
  }

  private countWatched(bytes: Uint8Array, start: number, end: number, arrival: Readonly<PlainSighting>): void {
    const { towards } = arrival;
    this.pairs ??= createAddressPairs((frame, at) => this.pairAt(frame, at));
    const pair = this.pairs.of(bytes, start);
    if (pair.traffic.length > 0 && isTraffic(bytes, start, end)) this.addTraffic(pair.traffic, arrival);
    if (pair.astray.length > 0) {
      const view = viewFrame(bytes, start, end);
      if (view !== null)
        this.addTraffic(
          pair.astray.filter(({ talk }) => isOfTalk(talk, bytes, view)),
          arrival,
        );
    }
    if (towards ? pair.foreign === null : pair.crosses === null) return;
    if (viewFrame(bytes, start, end) === null) return;
    const { name } = this.observer;
    if (!towards && pair.crosses !== null)
      this.tally.crossed.set(`${name}|${pair.crosses}`, { from: name, to: pair.crosses });
    else if (pair.foreign !== null && !(pair.mayBeOwn !== null && isOwned(this.tally, name, pair.mayBeOwn, arrival)))
      addTo(pair.foreign, arrival);
  }

  private addTraffic(rows: readonly TalkRow[], arrival: Readonly<PlainSighting>): void {
    for (const row of rows)
      if (arrival.towards) addTo(row, arrival);
      else if (row.talk.source === this.observer.name) row.entered += 1;
  }

  private talkRow(talk: Talk): TalkRow {
    const key = `${talk.key}/${this.observer.name}`;
    const made = { ...row((first) => countFrame(this.tally.traffic, key, first)), talk, entered: 0 };
    this.entering.push(made);
    return made;
  }

  private pairAt(bytes: Uint8Array, at: number): Pair {
    const { step, observer, tally } = this;
    const dst = macText(bytes, at);
    const src = macText(bytes, at + macLength);
    const listens = step.listenMs !== null && observer.place !== 'bridge' && !isGroupMac(bytes, at);
    return {
      traffic: talksBetween(this.talks, src, dst).map((talk) => this.talkRow(talk)),
      astray: talksAstray(this.talks, this.plan, src, dst).map((talk) => this.talkRow(talk)),
      foreign:
        listens && !observer.macs.includes(dst)
          ? row((first) => countForeign(tally, { observer: observer.name, src, dst }, first))
          : null,
      mayBeOwn: tally.owned.has(`${observer.name}|${dst}`) ? dst : null,
      crosses: listens ? dst : null,
    };
  }
}
