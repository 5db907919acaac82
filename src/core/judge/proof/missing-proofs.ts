import { isOnDevice, isOnPort, isRoutedTo, sharesMac } from '../../model/attach.js';
import type { Control, Flow, Observer, StepPlan } from '../../model/plan.js';
import { ofSender, waysOf } from '../../plan/flows/shortcuts.js';
import { noiseAt, noiseText } from '../count/noise.js';
import type { StepTally } from '../count/tally.js';
import { isReasonCode, type ReasonCode, reason, type Reason } from '../../model/reasons.js';
import { ownMacs } from '../parties.js';
import { accountReasons } from './accounts.js';
import { deviceEarReasons } from './entry.js';
import { type DeliveryInput, deliveryShare, type LeastDelivered, leastDelivered } from './delivery.js';
import { type StepFacts, sentOf } from './step-facts.js';
import { eventReasons } from './windows.js';
import { groupBy, namesIn } from '../../text/collections.js';

/** The proof of a step rests on these. */
export interface ProofInput extends DeliveryInput {
  readonly facts: StepFacts;
  readonly tally: StepTally;
}

const maxAlike = 100;

function limited(reasons: readonly Reason[], code: ReasonCode): readonly Reason[] {
  return reasons.length <= maxAlike
    ? reasons
    : [...reasons.slice(0, maxAlike), reason(code, null, `and ${reasons.length - maxAlike} more of this kind`)];
}

function groupControls(
  controls: readonly Control[],
  kind: Control['kind'],
  nameOf: (control: Control) => string | null,
): ReadonlyMap<string | null, readonly Control[]> {
  return groupBy(
    controls.filter((control) => control.kind === kind),
    nameOf,
  );
}

function receiveReasons(input: ProofInput): readonly Reason[] {
  const { step, facts, tally } = input;
  const byObserver = groupControls(step.controls, 'ear', (control) => control.observer);
  return step.observers.flatMap((observer) => {
    const controls = byObserver.get(observer.name) ?? [];
    const unsent = controls.filter((control) => !facts.controlsAccepted.has(control.index));
    const unseen = controls.filter((control) => !tally.controls.has(control.index));
    const [first] = unseen;
    if (observer.place === 'bridge') return deviceEarReasons(input, observer);
    // an ear that the step found has none (docs/verdicts.md)
    if (controls.length === 0 && observer.judged && observer.device === undefined)
      return [reason('control-missing', observer.name, 'no ear control could be sent')];
    if (unsent.length > 0)
      return [
        reason('control-missing', observer.name, `${unsent.length} of ${controls.length} ear controls were not sent`),
      ];
    if (first === undefined && step.inwardUnproved?.includes(observer.name) === true)
      return [
        reason(
          'control-missing',
          observer.name,
          'cannot prove that frames from this guest would be captured: the switch has not learned its MAC here. Ping from it once before the run',
        ),
      ];
    if (first === undefined) return [];
    if (observer.by?.mode === 'l3s')
      return [
        reason(
          'control-missing',
          observer.name,
          `in mode l3s the kernel hands what comes in by ${observer.by.lower} to the guest past its interface: no observer hears it there`,
        ),
      ];
    const phases = [...new Set(unseen.map((control) => control.phase))].join(', ');
    return [
      reason(
        'control-missing',
        observer.name,
        `${unseen.length} of ${controls.length} ear controls were not seen (${phases} the probes; the first: ${first.frame.carrier} from ${first.frame.srcMac}, ${first.sender === null ? 'towards' : 'from'} the guest)`,
      ),
    ];
  });
}

function metByAddressee(flow: Flow, { facts, tally }: ProofInput, least: LeastDelivered): boolean {
  const sent = sentOf(facts, flow);
  return sent > 0 && flow.must.some((name) => tally.sightings.countTokens(flow, name) >= least(flow, name, sent));
}

interface Ends {
  readonly first: Flow;
  last: Flow;
}

interface FlowReasons {
  readonly sent: readonly Reason[];
  readonly shown: readonly Reason[];
  readonly delivered: readonly Reason[];
  readonly ends: ReadonlyMap<string, Ends>;
}

/** One pass, as a mesh has a million flows. A sender's claim may be false, so its port must show the frames. */
function flowReasons({ step, facts, tally }: ProofInput, least: LeastDelivered): FlowReasons {
  const sent: Reason[] = [];
  const shown: Reason[] = [];
  const delivered: Reason[] = [];
  const ends = new Map<string, Ends>();
  const senderOf = ofSender((name): { readonly directed: boolean; ends: Ends | undefined } => ({
    directed: facts.listening.get(name)?.direction === 'known',
    ends: ends.get(name),
  }));
  step.flows.forEach((flow) => {
    const sender = senderOf(flow.sender);
    if (flow.purpose !== 'restore') {
      if (sender.ends === undefined) {
        sender.ends = { first: flow, last: flow };
        ends.set(flow.sender, sender.ends);
      } else sender.ends.last = flow;
    }
    const accepted = sentOf(facts, flow);
    const what = (): string => `${flow.carrier} frames of ${flow.class} from ${flow.from}`;
    if (accepted !== flow.count)
      sent.push(reason('probes-not-sent', flow.sender, `${accepted} of ${flow.count} ${what()} were sent`));
    if (sender.directed) {
      const entered = tally.entries.count(flow);
      if (entered < accepted)
        shown.push(
          reason(
            'entry-unproved',
            flow.sender,
            `${entered} of ${accepted} ${what()} showed on the port of ${flow.sender}`,
          ),
        );
    }
    for (const name of flow.must) {
      if (name === flow.sender) continue;
      const received = tally.sightings.countTokens(flow, name);
      if (received < least(flow, name, accepted) || received === 0)
        delivered.push(reason('delivery-short', name, `${name} got ${received} of ${accepted} ${what()}`));
    }
  });
  return {
    sent: limited(sent, 'probes-not-sent'),
    shown: limited(shown, 'entry-unproved'),
    delivered: limited(delivered, 'delivery-short'),
    ends,
  };
}

/**
 * Controls prove a sender's entry. Behind the bridge device every probe that left through it does, as br_dev_xmit
 * follows the packet sockets. If no control can arrive, as in a VLAN without an address of the bridge, addressees that
 * got the first and last frames do, with the forbidden ones between. With routing, every probe must show on its
 * sender's port, which the host's stack follows. On a lower device it must show on the sender's interface, which the
 * driver follows (macvlan_start_xmit).
 */
function entryReasons(input: ProofInput, ends: FlowReasons['ends'], least: LeastDelivered): readonly Reason[] {
  const { step, facts, tally, endpoints } = input;
  const behindDevice = new Set(namesIn(endpoints.filter(({ attach }) => !isOnPort(attach))));
  const byShowing = new Set(
    endpoints
      .filter(({ attach, below }) => isRoutedTo(attach) || isOnDevice(below) || sharesMac(attach))
      .map(({ name }) => name),
  );
  const bySender = groupControls(step.controls, 'entry', (control) => control.sender);
  const leftThroughDevice = (sender: string): boolean =>
    step.flows.every(
      (flow) => flow.sender !== sender || tally.entries.throughDevice(flow) >= Math.max(1, sentOf(facts, flow)),
    );
  const proved = (sender: string, first: Flow, last: Flow): boolean => {
    const controls = bySender.get(sender) ?? [];
    if (byShowing.has(sender)) return facts.listening.get(sender)?.direction === 'known';
    if (controls.length === 0 && behindDevice.has(sender)) return leftThroughDevice(sender);
    return (
      (controls.length > 0 && controls.every((control) => tally.controls.has(control.index))) ||
      (metByAddressee(first, input, least) && metByAddressee(last, input, least))
    );
  };
  const unproved = [...ends]
    .filter(([sender, { first, last }]) => !proved(sender, first, last))
    .map(([sender]) => sender);
  return unproved.map((sender) => {
    const controls = bySender.get(sender) ?? [];
    const received = controls.filter((control) => tally.controls.has(control.index)).length;
    if (controls.length === 0 && behindDevice.has(sender))
      return reason('entry-unproved', sender, `not every probe of ${sender} left through the bridge device`);
    return reason(
      'entry-unproved',
      sender,
      controls.length === 0
        ? `no entry control is possible for ${sender}, and no addressee proves its probes`
        : `${received} of ${controls.length} entry controls from ${sender} were received on the bridge`,
    );
  });
}

function observerReasons(observer: Observer, facts: StepFacts, tally: StepTally): readonly Reason[] {
  const { name } = observer;
  if (!facts.listenedInTime.has(name))
    return [reason('not-listening', name, `${name} (${observer.interface}) did not listen before the first probe`)];
  const counters = facts.stopped[name];
  if (counters === undefined) return [reason('helper-died', name, `the capture of ${name} did not come to its end`)];
  const reasons: Reason[] = [];
  const { received, dropped, delivered } = counters;
  if (dropped > 0)
    reasons.push(
      reason(
        'frames-dropped',
        name,
        `${dropped} of ${received} frames at ${observer.interface} were dropped; ${noiseText(noiseAt(tally.noise, name), tally.read.get(name) ?? 0)}`,
      ),
    );
  if (delivered !== received - dropped)
    reasons.push(
      reason(
        'count-gap',
        name,
        `${observer.interface}: received ${received}, dropped ${dropped}, delivered ${delivered}`,
      ),
    );
  const written = facts.written[name] ?? 0;
  const read = tally.read.get(name) ?? 0;
  if (written !== read)
    reasons.push(
      reason('evidence-incomplete', name, `${written} frames were written for ${name}, ${read} were read back`),
    );
  const twice = tally.twice.get(name);
  if (twice !== undefined) reasons.push(reason('replay-possible', name, `${twice} tokens were seen again at ${name}`));
  return reasons;
}

function replayReasons({ tally }: ProofInput): readonly Reason[] {
  return [
    ...[...tally.replayed].map(([observer, count]) =>
      reason(
        'replayed',
        observer,
        `${observer} saw ${count} tokens that it may not have, after a guest that had got them sent them again`,
      ),
    ),
    ...[...tally.unheard].map(([observer, count]) =>
      reason('unheard-delivery', observer, `${observer} sent ${count} tokens that no capture saw reach it`),
    ),
  ];
}

function trafficReasons(step: StepPlan, facts: StepFacts, tally: StepTally): readonly Reason[] {
  return step.traffic.flatMap((traffic, index) => {
    const outcome = facts.trafficOk.get(index);
    const reasons: Reason[] = [];
    if (outcome?.ok !== true)
      reasons.push(
        reason(
          'traffic-failed',
          null,
          `${traffic.kind} ${traffic.from} to ${traffic.to}: ${outcome?.detail ?? 'did not run'}`,
        ),
      );
    for (const [way, source, sink] of waysOf(traffic)) {
      const sent = tally.trafficEntered.get(`${index}/${way}`) ?? 0;
      const received = tally.traffic.get(`${index}/${way}/${sink}`)?.frames ?? 0;
      if (traffic.must.includes(sink) && (sent === 0 || received < deliveryShare * sent)) {
        reasons.push(
          reason('delivery-short', sink, `${sink} got ${received} of ${sent} frames of ${traffic.kind} from ${source}`),
        );
      }
    }
    return reasons;
  });
}

function listenReasons({ step, tally, endpoints, states }: ProofInput): readonly Reason[] {
  if (step.listenMs === null) return [];
  const crossed = [...tally.crossed.values()];
  return step.observers
    .filter((observer) => observer.judged && observer.place !== 'bridge' && observer.place !== 'above')
    .flatMap((observer) => {
      const macs = ownMacs(observer, endpoints, states);
      const others = crossed.some(({ from, to }) => from !== observer.name && !macs.includes(to));
      return others
        ? []
        : [
            reason(
              'nothing-to-hear',
              observer.name,
              `no unicast crossed the bridge between two others while ${observer.name} listened`,
            ),
          ];
    });
}

function faultReasons(facts: StepFacts): readonly Reason[] {
  return facts.faults.flatMap(({ code, observers, text }) => {
    const known = isReasonCode(code) ? code : 'step-failed';
    return observers.length === 0 ? [reason(known, null, text)] : observers.map((name) => reason(known, name, text));
  });
}

function outcomeReasons(facts: StepFacts): readonly Reason[] {
  switch (facts.outcome) {
    case 'done':
      return [];
    case 'fault':
      return facts.faults.length > 0 ? [] : [reason('step-failed', null, 'the step ended with a fault')];
    case 'unsupported':
      return facts.faults.some(({ code }) => code === 'unsupported')
        ? []
        : [reason('unsupported', null, 'this kernel or this build cannot do the step')];
    case 'not-run':
    case null:
      return [reason('not-run', null, 'the run ended before the step was done')];
  }
}

/** NTP slews the clock below a millisecond a second: more was set. */
const maxClockShiftMs = 500;

function clockReasons(facts: StepFacts): readonly Reason[] {
  return [
    ...(facts.clockShiftMs <= maxClockShiftMs
      ? []
      : [reason('clock-changed', null, `the wall clock was set by ${Math.round(facts.clockShiftMs)} ms`)]),
    ...[...facts.hostClockShiftsMs].flatMap(([host, ms]) =>
      ms <= maxClockShiftMs
        ? []
        : [reason('clock-changed', null, `the wall clock of ${host} was set by ${Math.round(ms)} ms`)],
    ),
  ];
}

function keptReasons({ keptFrames }: StepFacts): readonly Reason[] {
  const counts = new Map<string, number>();
  for (const { observer } of keptFrames) counts.set(observer, (counts.get(observer) ?? 0) + 1);
  return [...counts].map(([observer, count]) =>
    reason(
      'evidence-incomplete',
      observer,
      `not all frames of ${observer} could be written; ${count} with tokens were kept in memory`,
    ),
  );
}

/** Missing proofs for *holds*, in a fixed order. Empty = complete. */
export function missingProofs(input: ProofInput): readonly Reason[] {
  const { step, facts, tally } = input;
  const outcome = outcomeReasons(facts);
  const never = !facts.probed && facts.outcome !== 'done';
  if (never || outcome.some(({ code }) => code === 'not-run' || code === 'unsupported'))
    return [...faultReasons(facts), ...outcome];
  const least = leastDelivered(input);
  const ofFlows = flowReasons(input, least);
  const drained = facts.drainedMs !== null && facts.drainedMs >= step.drainMs;
  return [
    ...outcome,
    ...faultReasons(facts),
    ...step.observers.flatMap((observer) => observerReasons(observer, facts, tally)),
    ...receiveReasons(input),
    ...entryReasons(input, ofFlows.ends, least),
    ...ofFlows.sent,
    ...ofFlows.shown,
    ...ofFlows.delivered,
    ...trafficReasons(step, facts, tally),
    ...listenReasons(input),
    ...replayReasons(input),
    ...accountReasons(facts),
    ...clockReasons(facts),
    ...eventReasons(step, facts),
    ...keptReasons(facts),
    ...(drained
      ? []
      : [reason('drain-incomplete', null, `the wait of ${step.drainMs} ms after the last probe was not kept`)]),
  ];
}
