import type { Flow, Observer, Plan, StepPlan } from '../../model/plan.js';
import { nsOf } from '../../pcap/time-words.js';
import { etherTypes, isGroupMac, macText } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import type { Classifier, Sighting } from '../recognise/classify.js';
import { countNoise } from './noise.js';
import type { First } from './seen-tokens.js';
import { countFrame, raise, type StepTally } from './tally.js';

/**
 * One frame as an observer saw it. One object does for all frames of an observer, one after the other: nothing keeps
 * it.
 */
export interface Seen {
  readonly step: StepPlan;
  readonly observer: Observer;
  readonly inferred: boolean;
  /** To the guest, or on the bridge device to the host. */
  towards: boolean;
  /** As `First.frame`. */
  frame: number;
  /** When, ns in two words of 32 bits. */
  high: number;
  low: number;
}

function firstOf(seen: Seen): First {
  return { frame: seen.frame, timeNs: nsOf(seen) };
}

/** The step that a token belongs to, and its tally; tokens may turn up after their step. */
export interface Tallies {
  readonly plan: Plan;
  /** False: the run's key is not known, so a token may be anybody's. */
  readonly keyed: boolean;
  readonly steps: readonly StepTally[];
}

/**
 * What a frame of a probe counted as: its entry where its sender is, its sighting by an observer, the same once more;
 * or something else.
 */
export type CountedAs = 'entered' | 'seen' | 'again' | 'other';

/** Counts a frame that stems from a probe. */
export function countProbe(
  { flow, sequence, form }: Omit<Extract<Sighting, { kind: 'probe' }>, 'kind'>,
  seen: Seen,
  tallies: Tallies,
): CountedAs {
  const tally = tallies.steps[flow.step];
  if (tally === undefined) return 'other';
  const { observer } = seen;
  if (form === 'answer') return 'other';
  const token = flow.first + sequence;
  if (!seen.towards) {
    if (observer.name === flow.sender || observer.place === 'bridge') {
      const place = observer.place === 'bridge' ? 'bridge' : 'port';
      if (tally.entries.add(flow, sequence, place)) return 'entered';
      // Its own token, but a second time: whoever stands behind this port had it from somebody and says it again.
      const again = place === 'port' && !seen.inferred;
      if (again && !tally.reentered.has(token))
        tally.reentered.set(token, { observer: observer.name, uplink: observer.role === 'uplink' });
    } else if (form === 'as-sent' && !tally.reentered.has(token)) {
      tally.reentered.set(token, { observer: observer.name, uplink: observer.role === 'uplink' });
    }
    return 'other';
  }
  const again = tally.reentered.size === 0 ? undefined : tally.reentered.get(token);
  if (again !== undefined && !again.uplink) return 'other';
  const fresh = tally.seen.add(flow, sequence, observer.name, seen.frame, seen.high, seen.low);
  if (fresh && tallies.plan.steps[flow.step]?.during.length !== 0) noteMoment(tally, flow, sequence, seen);
  if (!fresh && seen.inferred) raise(tally.twice, observer.name);
  return fresh ? 'seen' : seen.inferred ? 'other' : 'again';
}

function noteMoment(tally: StepTally, flow: Flow, sequence: number, seen: Seen): void {
  const key = `${flow.id}|${seen.observer.name}`;
  const moments = tally.moments.get(key) ?? [];
  moments.push({ sequence, timeNs: nsOf(seen) });
  tally.moments.set(key, moments);
}

function countControl({ control, step }: Extract<Sighting, { kind: 'control' }>, seen: Seen, tally: StepTally): void {
  if (step !== seen.step.index || control.observer !== seen.observer.name) return;
  // An engine without directions takes a control that bears the observer's own MAC for one of its own.
  if (control.kind === 'ear' && seen.towards !== (control.sender === null) && !seen.inferred) return;
  tally.controls.add(control.index);
}

function countTraffic(bytes: Uint8Array, view: FrameView, seen: Seen, tally: StepTally, plan: Plan): void {
  if (view.etherType === etherTypes.arp) return;
  const src = macText(bytes, view.srcMacAt);
  const dst = macText(bytes, view.dstMacAt);
  const macsOf = (name: string): readonly string[] =>
    plan.endpoints.find((endpoint) => endpoint.name === name)?.macs ?? [];
  seen.step.traffic.forEach((traffic, index) => {
    for (const [way, source, sink] of [
      ['>', traffic.from, traffic.to],
      ['<', traffic.to, traffic.from],
    ] as const) {
      if (!macsOf(source).includes(src) || !macsOf(sink).includes(dst)) continue;
      if (seen.towards) countFrame(tally.traffic, `${index}/${way}/${seen.observer.name}`, firstOf(seen));
      else if (seen.observer.name === source) raise(tally.trafficEntered, `${index}/${way}`);
    }
  });
}

function countForeign(bytes: Uint8Array, view: FrameView, seen: Seen, tally: StepTally): void {
  if (seen.step.listenMs === null || seen.observer.place === 'bridge' || isGroupMac(bytes, view.dstMacAt)) return;
  const src = macText(bytes, view.srcMacAt);
  const dst = macText(bytes, view.dstMacAt);
  if (!seen.towards) tally.crossed.set(`${seen.observer.name}|${dst}`, { from: seen.observer.name, to: dst });
  else if (!seen.observer.macs.includes(dst))
    countFrame(tally.foreign, `${seen.observer.name}|${src}|${dst}`, firstOf(seen));
}

/** Counts one frame of the capture into the tallies. What a forger wrote is noise, and decides nothing. */
export function countSighting(bytes: Uint8Array, { view, sighting }: Classifier, seen: Seen, tallies: Tallies): void {
  const own = tallies.steps[seen.step.index];
  if (own === undefined) return;
  raise(own.read, seen.observer.name);
  switch (sighting.kind) {
    case 'probe':
      countProbe(sighting, seen, tallies);
      return;
    case 'control':
      countControl(sighting, seen, own);
      return;
    case 'forged':
      if (!tallies.keyed) return; // a control of the run's own would count as foreign unicast
      break;
    case 'none':
      break;
  }
  if (view === null) return;
  countNoise(own.noise, seen.observer.name, macText(bytes, view.srcMacAt), seen.towards);
  countTraffic(bytes, view, seen, own, tallies.plan);
  countForeign(bytes, view, seen, own);
}
