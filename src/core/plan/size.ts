import { maxTokens, phases, type StepPlan } from '../model/plan.js';
import { framesOfStep, runningBySteps } from './flows/shortcuts.js';
import type { ProbeEntry, Scenario, Step, Topology } from '../model/scenario.js';
import { VerifyError } from '../model/verify-error.js';
import { countPairs } from '../scenario/steps/pairs.js';
import { maxMacs } from './filter-by-mac.js';

/** Amounts of a run. */
export interface PlanSize {
  /** Pairs of sender and addressee, times carriers, times tag stacks. */
  readonly flows: number;
  readonly frames: number;
  readonly controls: number;
}

/**
 * Limits of a run. A million flows take two seconds and 30 MB to lay out; frames and controls have no more tokens than
 * the judge knows by number.
 */
export const maxPlanned: PlanSize = { flows: 2 ** 23, frames: maxTokens - 2 ** 20, controls: 2 ** 20 };

const words: { readonly [K in keyof PlanSize]: string } = {
  flows: 'flows (pairs of sender and addressee × carriers × tag stacks)',
  frames: 'frames (flows × count)',
  controls: 'controls (endpoints × carriers × tag stacks × phases, and × senders where they are few)',
};

/** Default carriers of most classes: raw, and UDP over IP. */
const usualCarriers = 2;

function forms({ carriers, vlanStacks }: ProbeEntry): number {
  return (carriers?.length ?? usualCarriers) * vlanStacks.length;
}

/** Amounts of a step with this number of present endpoints, by arithmetic alone. */
export function stepSize({ probes, traffic, listenMs }: Step, topology: Topology, present: number): PlanSize {
  let [flows, frames, kinds] = [0, 0, 0];
  const senders = new Set<string>();
  for (const entry of probes) {
    const flowsOfEntry = countPairs(entry, topology) * forms(entry);
    flows += flowsOfEntry;
    frames += flowsOfEntry * entry.count;
    kinds += forms(entry);
    for (const name of [...entry.from, ...(entry.bothWays ? (entry.to ?? []) : [])]) senders.add(name);
  }
  if (probes.length + traffic.length === 0 && listenMs === null) return { flows, frames, controls: 0 };
  // A filter by source MAC needs a receive control for each, and for entering frames
  const sources = topology.provider === 'lab' && senders.size <= maxMacs ? senders.size : 1;
  const ears = kinds * sources + 2 * traffic.length + (topology.provider === 'lab' ? 1 : 0);
  // Entry controls in the probes' forms go before and after these
  const controls = (present * Math.max(1, ears) + senders.size) * phases.length + 2 * kinds * senders.size;
  return { flows, frames, controls };
}

function tooLarge(file: string, { name, line }: Step, what: keyof PlanSize, count: number): VerifyError {
  return new VerifyError(
    'plan-too-large',
    64,
    `${file}:${line}: step ${JSON.stringify(name)}: up to here the run has ${count} ${words[what]}, expected at most ${maxPlanned[what]}`,
    'Name fewer senders, addressees, carriers or tag stacks, write a smaller "count", or split the steps into several files.',
  );
}

/**
 * Refuses too many flows, or frames, of classes with several a pair, added to earlier steps'. Throws as
 * `checkPlanSize`.
 */
export function checkLaidOut(
  file: string,
  step: Step,
  { flow, token }: { readonly flow: number; readonly token: number },
): void {
  if (flow > maxPlanned.flows) throw tooLarge(file, step, 'flows', flow);
  if (token > maxTokens) throw tooLarge(file, step, 'frames', token);
}

/** Refuses a scenario too large for any run, before layout. Throws VerifyError (64) `plan-too-large` with the step. */
export function checkPlanSize(scenario: Scenario): void {
  const sum = { flows: 0, frames: 0, controls: 0 };
  for (const [step, running] of runningBySteps(scenario)) {
    const size = stepSize(step, scenario.topology, running.size);
    for (const what of ['flows', 'frames', 'controls'] as const) {
      sum[what] += size[what];
      if (sum[what] > maxPlanned[what]) throw tooLarge(scenario.file, step, what, sum[what]);
    }
  }
}

/** Least size of a capture, and the factor of its frames to those that a step sends. */
const leastBytes = 64 * 2 ** 20;
const copies = 16;
/** Headers and options of a frame's block (draft-ietf-opsawg-pcapng 4.3). */
const blockBytes = 64;

/**
 * Most bytes of a capture of the run's own frames in any step: each frame sixteen times, which only a flooding bridge
 * exceeds, in a step that is broken by then, and 64 MiB for small steps. Anything more comes from guests that resend
 * tokens.
 */
export function maxBytesOf(steps: readonly Pick<StepPlan, 'flows' | 'snaplen'>[]): number {
  const largest = Math.max(0, ...steps.map((step) => framesOfStep(step) * (step.snaplen + blockBytes)));
  return leastBytes + copies * largest;
}
