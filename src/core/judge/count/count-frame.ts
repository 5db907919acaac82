import type { Plan } from '../../model/plan.js';
import { nsOf } from '../../pcap/time-words.js';
import { etherTypes, isGroupMac, macText } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import type { Classified, Sighting } from '../recognise/classify.js';
import { countProbe, noteAltered } from './count-probe.js';
import { countNoise } from './noise.js';
import type { First } from './seen-tokens.js';
import { countFrame, raise, type Seen, type StepTally, type Tallies } from './tally.js';

function firstOf(seen: Seen): First {
  return { frame: seen.frame, timeNs: nsOf(seen) };
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

/** Counts what one token of a frame says; false = the frame is none of the run's. */
function countToken(
  bytes: Uint8Array,
  view: FrameView | null,
  sighting: Sighting,
  seen: Seen,
  tallies: Tallies,
): boolean {
  switch (sighting.kind) {
    case 'probe': {
      const counted = countProbe(sighting, seen, tallies);
      if (counted === 'seen' && sighting.form !== 'as-sent' && view !== null)
        noteAltered(bytes, view, sighting, seen, tallies);
      return true;
    }
    case 'control': {
      const own = tallies.steps[seen.step.index];
      if (own !== undefined) countControl(sighting, seen, own);
      return true;
    }
    case 'forged':
      // Without the key a control of the run's own would count as foreign unicast.
      return !tallies.keyed;
    case 'none':
      return false;
  }
}

/** Counts one frame of the capture into the tallies. What a forger wrote is noise, and decides nothing. */
export function countSighting(
  bytes: Uint8Array,
  { view, sighting, more }: Classified,
  seen: Seen,
  tallies: Tallies,
): void {
  const own = tallies.steps[seen.step.index];
  if (own === undefined) return;
  raise(own.read, seen.observer.name);
  for (const another of more) countToken(bytes, view, another, seen, tallies);
  if (countToken(bytes, view, sighting, seen, tallies) || view === null) return;
  countNoise(own.noise, seen.observer.name, macText(bytes, view.srcMacAt), seen.towards);
  countTraffic(bytes, view, seen, own, tallies.plan);
  countForeign(bytes, view, seen, own);
}
