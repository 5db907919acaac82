import type { Plan } from '../../model/plan.js';
import { nsOf } from '../../pcap/time-words.js';
import { isGroupMac, macText } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import type { Classified, Sighting } from '../recognise/classify.js';
import { countProbe, noteAltered } from './count-probe.js';
import { countNoise } from './noise.js';
import type { First } from './seen-tokens.js';
import { talksOf, talksOfFrame } from './talks.js';
import { countForeign, countFrame, isOwned, raise, type FrameArrival, type StepTally, type Tallies } from './tally.js';

function firstOf(arrival: FrameArrival): First {
  return { frame: arrival.frame, timeNs: nsOf(arrival) };
}

function countControl(
  { control, step }: Extract<Sighting, { kind: 'control' }>,
  arrival: FrameArrival,
  tally: StepTally,
): void {
  if (step !== arrival.step.index || control.observer !== arrival.observer.name) return;
  // Without directions a control with the observer's own MAC looks like its own frame.
  if (control.kind === 'ear' && arrival.towards !== (control.sender === null) && !arrival.inferred) return;
  tally.controls.add(control.index);
}

function countTraffic(bytes: Uint8Array, view: FrameView, arrival: FrameArrival, tally: StepTally, plan: Plan): void {
  for (const { key, source } of talksOfFrame(talksOf(arrival.step, plan), plan, bytes, view))
    if (arrival.towards) countFrame(tally.traffic, `${key}/${arrival.observer.name}`, firstOf(arrival));
    else if (arrival.observer.name === source) raise(tally.trafficEntered, key);
}

function countOthers(bytes: Uint8Array, view: FrameView, arrival: FrameArrival, tally: StepTally): void {
  if (arrival.step.listenMs === null || arrival.observer.place === 'bridge' || isGroupMac(bytes, view.dstMacAt)) return;
  const src = macText(bytes, view.srcMacAt);
  const dst = macText(bytes, view.dstMacAt);
  if (!arrival.towards) tally.crossed.set(`${arrival.observer.name}|${dst}`, { from: arrival.observer.name, to: dst });
  else if (!arrival.observer.macs.includes(dst) && !isOwned(tally, arrival.observer.name, dst, arrival))
    countForeign(tally, { observer: arrival.observer.name, src, dst }, firstOf(arrival));
}

function countToken(
  bytes: Uint8Array,
  view: FrameView | null,
  sighting: Sighting,
  arrival: FrameArrival,
  tallies: Tallies,
): boolean {
  switch (sighting.kind) {
    case 'probe': {
      const counted = countProbe(sighting, arrival, tallies);
      if (counted === 'seen' && sighting.form !== 'as-sent' && view !== null)
        noteAltered(bytes, view, sighting, arrival, tallies);
      return true;
    }
    case 'control': {
      const stepTally = tallies.steps[arrival.step.index];
      if (stepTally !== undefined) countControl(sighting, arrival, stepTally);
      return true;
    }
    case 'forged':
      // Without the key a control of this run would count as foreign unicast.
      return !tallies.keyed;
    case 'none':
      return false;
  }
}

/** Adds a frame to the tallies. Forged tokens are noise and decide nothing. */
export function countSighting(
  bytes: Uint8Array,
  { view, sighting, more }: Classified,
  arrival: FrameArrival,
  tallies: Tallies,
): void {
  const stepTally = tallies.steps[arrival.step.index];
  if (stepTally === undefined) return;
  raise(stepTally.read, arrival.observer.name);
  for (const another of more) countToken(bytes, view, another, arrival, tallies);
  if (countToken(bytes, view, sighting, arrival, tallies) || view === null) return;
  countNoise(stepTally.noise, arrival.observer.name, macText(bytes, view.srcMacAt), arrival.towards);
  countTraffic(bytes, view, arrival, stepTally, tallies.plan);
  countOthers(bytes, view, arrival, stepTally);
}
