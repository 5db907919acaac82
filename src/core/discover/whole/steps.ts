import { witnessLimits } from '../../bridge/bypass/witnesses.js';
import type { HostState } from '../../model/state.js';
import type { FoundEntry } from '../found-endpoints.js';
import type { Carrier, ProbeClassName } from '../../model/scenario.js';
import type { WrittenFields } from '../../scenario/schema/step.js';

/**
 * Frames a second that may flood out of an uplink. ARP inspection shuts a port off at 15 a second by default (Cisco
 * IOS, `ip arp inspection limit`). Storm control has steps of 64 kbit/s: 50 frames of 80 bytes have 42.
 */
const arpFloodRate = 10;
const floodRate = 50;
/** Frames a second of all others, and of many. */
const usualRate = 1000;
const meshRate = 4000;
/** A run with more pairs has the larger rate. */
const manyPairs = 1000;
const overheadMs = 6000;
const carriersOfPair = 3;

/** A probe of a scenario file. */
export interface WrittenProbe {
  readonly class: ProbeClassName;
  readonly from: readonly string[];
  readonly to?: readonly string[];
  readonly via?: readonly string[];
  readonly rounds?: number | string;
  readonly count: number;
  readonly carriers?: readonly Carrier[];
  readonly may_see?: readonly string[];
  readonly must_see?: readonly string[];
  readonly open_by_design?: readonly string[];
  readonly size?: number;
  readonly src_ip?: string;
  readonly dst_ip?: string;
  readonly fields?: WrittenFields;
  readonly rule?: string;
}

/**
 * `first`: round 1; `floods`: what may flood out of an uplink; `further`: the other rounds; `rules`: frames that rules
 * take; a class: its own step, as it disturbs or takes time.
 */
export type Part = 'first' | 'floods' | 'further' | 'rules' | ProbeClassName;

export type Placed = readonly [Part, WrittenProbe];

/** A step of a scenario file. */
export interface WrittenStep {
  readonly name: string;
  readonly probe: readonly WrittenProbe[];
  readonly expect: 'private';
}

export interface StepWishes {
  /** Frames a second; null = the usual. */
  readonly rate: number | null;
  /** Time limit in ms; null = until all pairs are through. */
  readonly forMs: number | null;
}

function usualRateOf(guests: number): number {
  return guests ** 2 > manyPairs ? meshRate : usualRate;
}

/** `rateOf`: frames a second; null = the run's. */
function stepOf(
  name: string,
  probes: readonly WrittenProbe[],
  rateOf: (probe: WrittenProbe) => number | null,
): WrittenStep {
  const paced = probes.map((probe) => {
    const rate = rateOf(probe);
    return { ...probe, ...(rate === null ? {} : { rate }) };
  });
  return { name, probe: paced, expect: 'private' };
}

/** The last round within the time; null = all. */
export function lastRoundOf({ forMs, rate }: StepWishes, guests: number): number | null {
  if (forMs === null) return null;
  const frames = (Math.max(0, forMs - overheadMs) * (rate ?? usualRateOf(guests))) / 1000;
  return Math.max(1, Math.floor(frames / Math.max(1, guests * carriersOfPair)));
}

/** The steps: round 1, floods, further rounds, then each class with a step of its own. */
export function stepsOf(
  placed: readonly Placed[],
  { rate }: StepWishes,
  guests: readonly FoundEntry[],
  state: HostState,
): readonly WrittenStep[] {
  const of = (wanted: Part): readonly WrittenProbe[] =>
    placed.filter(([part]) => part === wanted).map(([, probe]) => probe);
  const [first, floods, further] = [of('first'), of('floods'), of('further')];
  const others = [
    ...new Set(placed.flatMap(([part]) => (['first', 'floods', 'further', 'rules'].includes(part) ? [] : [part]))),
  ];
  const rules = of('rules');
  // Unknown to the bridge, what is for one would flood
  const silent = new Set(guests.flatMap(({ name, isSilent = false }) => (isSilent ? [name] : [])));
  const learn = [...new Set(rules.flatMap(({ to = [] }) => to.filter((name) => silent.has(name))))];
  const rateOfFlood = ({ class: name }: WrittenProbe): number => {
    const most = name === 'arp-request' ? arpFloodRate : floodRate;
    return Math.min(most, rate ?? most);
  };
  const ageing = Math.max(
    0,
    ...state.links.map(({ bridge }) => (typeof bridge?.['ageing_time'] === 'number' ? bridge['ageing_time'] : 0)),
  );
  return [
    ...(first.length === 0 ? [] : [stepOf('round 1: each guest once', first, () => rate ?? usualRate)]),
    ...(floods.length === 0 ? [] : [stepOf('may flood out of the uplink', floods, rateOfFlood)]),
    ...(further.length === 0
      ? []
      : [stepOf('further rounds: all pairs', further, () => rate ?? usualRateOf(guests.length))]),
    ...(rules.length === 0
      ? []
      : [
          {
            ...stepOf('rules that copy or move frames', rules, () => Math.min(witnessLimits.rate, rate ?? Infinity)),
            ...(learn.length === 0 ? {} : { learn }),
          },
        ]),
    ...others.map((part) => ({
      ...stepOf(part, of(part), () => rate),
      ...(part === 'aged-unicast' ? { wait: `${Math.ceil(ageing / 100) + 5}s` } : {}),
    })),
  ];
}
