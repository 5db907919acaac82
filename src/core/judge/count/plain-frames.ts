import type { Observer, Plan, StepPlan } from '../../model/plan.js';
import { nsOf, type WordTime } from '../../pcap/time-words.js';
import { type AddressPairs, createAddressPairs } from '../../wire/address-pairs.js';
import { ethernetLength, etherTypes, isGroupMac, macText } from '../../wire/ethernet.js';
import { viewFrame } from '../../wire/frame-view.js';
import { readU16 } from '../../wire/bytes.js';
import { countNoise } from './noise.js';
import { countFrame, type FrameCount, raise, type Seen, type StepTally } from './tally.js';

/** Which way a frame went, its number and its time. */
export type PlainSighting = Pick<Seen, 'towards' | 'frame' | 'high' | 'low'>;

/** Counts the frames of one listener that carry no token: guests' traffic, mostly. They are many, and few kinds. */
export interface PlainFrames {
  /** One frame, `bytes[start, end)`, as its listener saw it. */
  count(bytes: Uint8Array, start: number, end: number, seen: Readonly<PlainSighting>): void;
  /** Puts what was only summed up into the tally. */
  finish(): void;
}

/** Which row a frame counts in, and the earliest that this knows of. */
interface Row {
  readonly map: Map<string, FrameCount>;
  readonly key: string;
  count: FrameCount | null;
  readonly earliest: WordTime;
}

/** What frames between two addresses count as, in the one direction and in the other. */
interface Pair {
  /** Rows of traffic, of frames that are no ARP. */
  readonly seen: readonly Row[];
  /** Keys of traffic that enters here, and how often. */
  readonly entered: readonly { readonly key: string; times: number }[];
  /** Foreign unicast of a step that listens; null = it is none. */
  readonly foreign: Row | null;
  /** Unicast from here, which somebody might overhear. */
  readonly crosses: string | null;
}

function row(map: Map<string, FrameCount>, key: string): Row {
  return { map, key, count: null, earliest: { high: 0, low: 0 } };
}

/** Adds a frame to its row without making a big integer, unless it is the row's earliest. */
function addTo(row: Row, { frame, high, low }: Readonly<PlainSighting>): void {
  const { count, earliest } = row;
  if (count !== null && (high > earliest.high || (high === earliest.high && low >= earliest.low))) {
    count.frames += 1;
    return;
  }
  earliest.high = high;
  earliest.low = low;
  countFrame(row.map, row.key, { frame, timeNs: nsOf(earliest) });
  row.count = row.map.get(row.key) ?? null;
}

/** IPv4 and IPv6 without tags are neither ARP nor cut off; everything else is looked at. */
function isTraffic(bytes: Uint8Array, start: number, end: number): boolean {
  const etherType = end - start < ethernetLength ? 0 : readU16(bytes, start + 12);
  if (etherType === etherTypes.ipv4 || etherType === etherTypes.ipv6) return true;
  const view = viewFrame(bytes, start, end);
  return view !== null && view.etherType !== etherTypes.arp;
}

/**
 * Counts as `countSighting` does for frames without token, and the noise of those that end within their tags as well;
 * `tally` is the step's. `lossy`: frames were dropped in it, so it matters who sent what.
 */
export function createPlainFrames(
  step: StepPlan,
  observer: Observer,
  tally: StepTally,
  plan: Plan,
  lossy: boolean,
): PlainFrames {
  let frames = 0;
  const entering: { readonly key: string; times: number }[] = [];
  const watches = step.traffic.length > 0 || (step.listenMs !== null && observer.place !== 'bridge');
  const macsOf = (name: string): readonly string[] =>
    plan.endpoints.find((endpoint) => endpoint.name === name)?.macs ?? [];

  function pairAt(bytes: Uint8Array, at: number): Pair {
    const dst = macText(bytes, at);
    const src = macText(bytes, at + 6);
    const talks = step.traffic.flatMap((traffic, index) =>
      (
        [
          ['>', traffic.from, traffic.to],
          ['<', traffic.to, traffic.from],
        ] as const
      )
        .filter(([, source, sink]) => macsOf(source).includes(src) && macsOf(sink).includes(dst))
        .map(([way, source]) => ({ key: `${index}/${way}`, source })),
    );
    const entered = talks.filter(({ source }) => source === observer.name).map(({ key }) => ({ key, times: 0 }));
    entering.push(...entered);
    const listens = step.listenMs !== null && observer.place !== 'bridge' && !isGroupMac(bytes, at);
    return {
      seen: talks.map(({ key }) => row(tally.traffic, `${key}/${observer.name}`)),
      entered,
      foreign: listens && !observer.macs.includes(dst) ? row(tally.foreign, `${observer.name}|${src}|${dst}`) : null,
      crosses: listens ? dst : null,
    };
  }
  /** Made for the first frame: a mesh has a thousand listeners, to which hardly anybody else speaks. */
  let pairs: AddressPairs<Pair> | null = null;

  /** A frame of a step whose traffic is judged, or that listens. */
  function countWatched(bytes: Uint8Array, start: number, end: number, seen: Readonly<PlainSighting>): void {
    const { towards } = seen;
    pairs ??= createAddressPairs(pairAt);
    const pair = pairs.of(bytes, start);
    if (pair.seen.length > 0 && isTraffic(bytes, start, end)) {
      if (towards) for (const row of pair.seen) addTo(row, seen);
      else for (const entry of pair.entered) entry.times += 1;
    }
    if (towards ? pair.foreign === null : pair.crosses === null) return;
    if (viewFrame(bytes, start, end) === null) return;
    if (!towards && pair.crosses !== null)
      tally.crossed.set(`${observer.name}|${pair.crosses}`, { from: observer.name, to: pair.crosses });
    else if (pair.foreign !== null) addTo(pair.foreign, seen);
  }

  return {
    count(bytes, start, end, seen) {
      frames += 1;
      if (end - start < ethernetLength) return;
      if (lossy) countNoise(tally.noise, observer.name, macText(bytes, start + 6), seen.towards);
      if (watches) countWatched(bytes, start, end, seen);
    },
    finish() {
      if (frames > 0) raise(tally.read, observer.name, frames);
      for (const { key, times } of entering) if (times > 0) raise(tally.trafficEntered, key, times);
    },
  };
}
