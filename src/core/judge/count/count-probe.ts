import type { FrameView } from '../../wire/frame-view.js';
import { macText } from '../../wire/ethernet.js';
import { ipv4Text } from '../../wire/ipv4.js';
import { ipv6Text } from '../../wire/ipv6.js';
import { nsOf } from '../../pcap/time-words.js';
import type { Flow } from '../../model/plan.js';
import { isLeak } from '../parties.js';
import type { ProbeAnswer } from '../recognise/answer.js';
import { keepStackMade } from './stack-made.js';
import {
  type CountedAs,
  noteMoment,
  type ProbeSighting,
  raise,
  type FrameArrival,
  type StepTally,
  type Tallies,
} from './tally.js';

/**
 * Counts a frame of a probe, whatever its headers are now:
 * - towards the sender, or another port of its owner: never
 * - towards a forbidden observer: a leak, or `replayed` if a guest, which may have had it rightfully, sent it before
 * - in an answer that quotes or returns it: a leak of the answered probe, unless on a planned way
 * - entering from a guest that was seen to get it: repeated, no reason by itself
 * - entering from another guest: `unheard-delivery`, as it bypassed the observers
 * - sent by the host: in transit, as the ports there decide
 */
export function countProbe(sighting: ProbeSighting, arrival: FrameArrival, tallies: Tallies): CountedAs {
  const tally = tallies.steps[sighting.flow.step];
  if (tally === undefined) return 'other';
  if (arrival.heard !== null && sighting.flow.step === arrival.step.index && !isQuotedIn(sighting))
    arrival.heard[sighting.flow.first + sighting.sequence - arrival.firstToken] = 1;
  if (arrival.towards) return countTowards(sighting, arrival, tallies, tally);
  const { answer } = sighting;
  return answer !== undefined && mayAnswerEnter(sighting, answer, arrival, tallies, tally)
    ? 'other'
    : countEntering(sighting, arrival, tallies, tally);
}

/** An ICMP error shows that its sender had the frame, not that this observer had it. */
function isQuotedIn({ answer, form }: ProbeSighting): boolean {
  return answer !== undefined && form === 'encapsulated';
}

/** A frame as sent is no answer: each guest's frames are heard as they enter. */
function isDoubtful({ flow, sequence, form }: ProbeSighting, { entries }: StepTally): boolean {
  // Nearly none entered again: one look is enough for them.
  return (
    entries.isAgain(flow, sequence) &&
    (entries.isAgain(flow, sequence, 'repeated') ||
      entries.isAgain(flow, sequence, 'unheard') ||
      (form !== 'as-sent' && entries.isAgain(flow, sequence, 'answered')))
  );
}

function isOnItsWay(
  { by, dstMac }: ProbeAnswer,
  { observer }: FrameArrival,
  { macsHere }: Tallies,
  tally: StepTally,
): boolean {
  if (dstMac === null) return false;
  if (observer.macs.includes(dstMac)) return observer.role !== 'guest' || tally.answerWays.has(`${by}|${dstMac}`);
  return observer.role === 'uplink' && !macsHere.has(dstMac);
}

const maxAnswerRows = 10_000;

function countAnswerTowards(
  { flow, sequence }: ProbeSighting,
  answer: ProbeAnswer,
  arrival: FrameArrival,
  tallies: Tallies,
  tally: StepTally,
): CountedAs {
  const { observer } = arrival;
  if (!isLeak(flow, observer, tallies.parties) || isOnItsWay(answer, arrival, tallies, tally)) return 'other';
  const key = `${flow.id}|${observer.name}`;
  const known = tally.answers.get(key);
  if (known !== undefined) known.sequences.add(sequence);
  else if (tally.answers.size < maxAnswerRows)
    tally.answers.set(key, {
      flow,
      observer,
      by: answer.by,
      sequences: new Set([sequence]),
      first: { frame: arrival.frame, timeNs: nsOf(arrival) },
    });
  return 'other';
}

function countTowards(sighting: ProbeSighting, arrival: FrameArrival, tallies: Tallies, tally: StepTally): CountedAs {
  const { flow, sequence, form, answer } = sighting;
  const { observer, party } = arrival;
  if (tallies.parties.isOfSender(flow, party)) return 'other';
  if (isDoubtful(sighting, tally) && isLeak(flow, observer, tallies.parties)) {
    if (!tally.sightings.hasToken(flow, sequence, observer.name)) raise(tally.replayed, observer.name);
    return 'other';
  }
  if (answer !== undefined) return countAnswerTowards(sighting, answer, arrival, tallies, tally);
  if (keepStackMade(sighting, arrival, tallies)) return 'other';
  const fresh = tally.sightings.addToken(flow, sequence, observer.name, arrival);
  if (fresh && tallies.plan.steps[flow.step]?.during.length !== 0) noteMoment(tally, flow, sequence, arrival);
  if (fresh && tally.entries.isAgain(flow, sequence, 'reflected'))
    raise(tally.reflected, `${flow.id}|${observer.name}`);
  if (fresh) return 'seen';
  if (!arrival.inferred) return 'again';
  // The quoting answer is heard later: its way is unknown, and no repetition is claimed.
  if (form === 'as-sent') raise(tally.twice, observer.name);
  else tally.entries.addAgain(flow, sequence, 'answered');
  return 'other';
}

/** An uplink of another bridge only forwards: the two are joined beyond it. */
function isOfSendersBridge(flow: Flow, { step, observer }: FrameArrival): boolean {
  return step.observers.some(({ name, bridge }) => name === flow.sender && bridge === observer.bridge);
}

/** At its owner's other port or its lower device's port, a sender's frame is on its way out. */
function isOfSenders(flow: Flow, { step, observer, party }: FrameArrival, { parties }: Tallies): boolean {
  if (parties.isOfParty(flow, party)) return true;
  return step.observers.some(({ name, by }) => by?.lower === observer.name && name === flow.sender);
}

/** A guest with two interfaces may answer by the other one: its routes decide (RFC 1122 3.3.4.2). */
function hadToken(
  { flow, sequence }: ProbeSighting,
  { observer, party }: FrameArrival,
  { parties }: Tallies,
  { sightings }: StepTally,
): boolean {
  return (
    sightings.hasToken(flow, sequence, observer.name) ||
    parties.othersOf(party).some((name) => sightings.hasToken(flow, sequence, name))
  );
}

function mayAnswerEnter(
  sighting: ProbeSighting,
  { by, dstMac }: ProbeAnswer,
  arrival: FrameArrival,
  tallies: Tallies,
  tally: StepTally,
): boolean {
  const { observer, party } = arrival;
  const isRouter = observer.place === 'bridge' || observer.role !== 'guest';
  const isBy = party === by || tallies.parties.othersOf(party).includes(by);
  if (isRouter || (isBy && hadToken(sighting, arrival, tallies, tally))) {
    if (dstMac !== null) tally.answerWays.add(`${by}|${dstMac}`);
    return true;
  }
  return !isBy && observer.macs.some((mac) => tally.answerWays.has(`${by}|${mac}`));
}

function countEntering(sighting: ProbeSighting, arrival: FrameArrival, tallies: Tallies, tally: StepTally): CountedAs {
  const { flow, sequence, form } = sighting;
  const { observer, inferred } = arrival;
  if (observer.place === 'bridge') return tally.entries.add(flow, sequence, 'bridge') ? 'entered' : 'other';
  if (observer.name === flow.sender) {
    if (form !== 'as-sent') return 'other';
    if (tally.entries.add(flow, sequence, 'port')) return 'entered';
    // Its own token again: something behind this port repeats it.
    if (observer.role === 'uplink') tally.entries.addAgain(flow, sequence, 'reflected');
    else if (!inferred) tally.entries.addAgain(flow, sequence, 'repeated');
    return 'other';
  }
  if (isOfSenders(flow, arrival, tallies)) return 'other';
  const hadGot = hadToken(sighting, arrival, tallies, tally);
  if (hadGot && form !== 'as-sent') tally.entries.addAgain(flow, sequence, 'answered');
  else if (observer.role === 'uplink') {
    if (isOfSendersBridge(flow, arrival)) tally.entries.addAgain(flow, sequence, 'reflected');
  } else if (hadGot) tally.entries.addAgain(flow, sequence, 'repeated');
  else {
    tally.entries.addAgain(flow, sequence, 'unheard');
    raise(inferred ? tally.twice : tally.unheard, observer.name);
  }
  return 'other';
}

/** Notes a frame seen with changed headers. */
export function noteAltered(
  bytes: Uint8Array,
  view: FrameView,
  { flow, form, tokenAt }: ProbeSighting & { readonly tokenAt: number },
  { observer }: FrameArrival,
  { steps }: Tallies,
): void {
  const tally = steps[flow.step];
  if (tally === undefined) return;
  const key = `${flow.id}|${observer.name}`;
  const known = tally.altered.get(key);
  if (known !== undefined) {
    known.forms.set(form, (known.forms.get(form) ?? 0) + 1);
    return;
  }
  const address = (at: number): string | null => {
    if (at < 0 || view.ipVersion === 0) return null;
    return view.ipVersion === 4 ? ipv4Text(bytes, at) : ipv6Text(bytes, at);
  };
  tally.altered.set(key, {
    forms: new Map([[form, 1]]),
    example: {
      srcMac: macText(bytes, view.srcMacAt),
      dstMac: macText(bytes, view.dstMacAt),
      etherType: `0x${view.etherType.toString(16).padStart(4, '0')}`,
      srcIp: address(view.srcIpAt),
      dstIp: address(view.dstIpAt),
      tokenAt,
    },
  });
}
