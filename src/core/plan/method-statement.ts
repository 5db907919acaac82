import type { Plan, StepPlan } from '../model/plan.js';
import { framesByKind, kindsOfFlows } from './flows/shortcuts.js';
import { someText } from '../text/names.js';

/** At most eight names. */
function some(names: readonly string[]): string {
  return someText([...new Set(names)], 8);
}

/** Sums of a kind, without its flows: a mesh has a million. */
interface Kind {
  frames: number;
  readonly carriers: Set<string>;
  readonly senders: Set<string>;
}

function sentOf(step: StepPlan): readonly string[] {
  const kinds = new Map<string, Kind>();
  for (const { first: flow, frames } of framesByKind(step.flows)) {
    const name = flow.judged ? flow.class : `${flow.class}, not judged`;
    const kind = kinds.get(name) ?? { frames: 0, carriers: new Set<string>(), senders: new Set<string>() };
    if (kind.frames === 0) kinds.set(name, kind);
    kind.frames += frames;
    kind.carriers.add(flow.carrier);
    kind.senders.add(flow.sender);
  }
  return [
    ...[...kinds].map(
      ([name, kind]) => `${kind.frames} frames of ${name} (${some([...kind.carriers])}) as ${some([...kind.senders])}`,
    ),
    ...step.traffic.map(
      ({ kind, from, to, requests }) => `${requests} requests of ${kind} from ${from} to ${to}, by programs in both`,
    ),
    ...(step.listenMs === null ? [] : [`nothing for ${step.listenMs / 1000} s`]),
  ];
}

function stepSentence(step: StepPlan): string {
  const sent = sentOf(step);
  if (sent.length === 0) return `Step ${step.index + 1}, ${step.name}: changes settings only.`;
  const judged = step.observers
    .filter((observer) => observer.judged)
    .map(({ name, interface: port }) => `${name} (${port})`);
  const controls = step.controls.length;
  return `Step ${step.index + 1}, ${step.name}: sent ${sent.join('; ')}. Observed at ${some(judged)}, with the filter ${step.filter === '' ? '"everything"' : JSON.stringify(step.filter)}. ${controls} controls prove ears and entry; ${step.drainMs} ms were left for late frames.`;
}

const places = {
  lab: "Guests are network namespaces made for this run; each sends through its own interface, and frames are observed on the bridge's side of its port.",
  host: "Guests are those that ran on the host; frames enter as theirs through a veth pair that redirects into their ports. They are observed on the host's side of every port. No software ran in a guest.",
} as const;

/** The method of measurement in complete sentences. Pure. */
export function methodStatement(plan: Plan): readonly string[] {
  return [
    places[plan.provider],
    'Every probe carries a token: run, index, and a tag of 64 bits of AES-256-CTR keystream. The SHA-256 of its key was written down before the first frame; the key was revealed after the capture was closed. A frame counts as the probe only if its tag is right and its headers are those planned, or routed.',
    ...plan.steps.map(stepSentence),
    'Rule: a probe or frame of traffic at an observer that must not see it is a leak. The step is then broken, whatever else failed.',
    'Rule: without a leak the step holds only if all of this is true: every observer listened before the first probe and to the end; it saw all its ear controls before, between and after; entry was proved for every sender; as many probes left as planned and reached the endpoints that must see them; the kernel dropped nothing and its counts agree with the file; every port was observed and forwarding; no setting changed. Else it is inconclusive.',
    'Statistics: if none of n frames was seen, at most 1 - 0.05^(1/n) of such frames leak, at 95 % confidence (exact binomial). Assumption: frames leak independently of each other and with a share that is the same for all n.',
  ];
}

/** Statements that the result does not make. */
export function limitsOf(plan: Plan): readonly string[] {
  const classes = new Set<string>();
  for (const { flows } of plan.steps) for (const flow of kindsOfFlows(flows)) classes.add(flow.class);
  return [
    `Nothing is said about frames that were not sent: ${classes.size === 0 ? 'no probes were' : `the probes were of ${[...classes].join(', ')}`}.`,
    'Nothing about other moments: settings change, entries age, guests learn.',
    'Nothing about side channels, shared storage, the hypervisor itself, or a guest that breaks out of it.',
    'The tags keep guests from forging, not the holder of this folder: for that there are the hashes and a signature.',
    ...(plan.provider === 'lab' ? ['Nothing about a host: it shows what this kernel does with these settings.'] : []),
    ...(plan.partialScope === null ? [] : [`Not every port was meant to be observed: ${plan.partialScope}`]),
  ];
}
