import { type Below, isIpvlanMode, isOnDevice, passingOf } from '../model/attach.js';
import type { Plan, StepPlan } from '../model/plan.js';
import type { ProbeClassName } from '../model/scenario.js';
import { isGroupMacText } from '../wire/ethernet.js';
import { framesByKind, framesOfStep } from './flows/shortcuts.js';

/** A plan's figures, for approval. */
export interface PlanCost {
  readonly probeFrames: number;
  readonly controlFrames: number;
  /** Frames that leave the machine by an uplink or lower device. */
  readonly outOfNic: number;
  readonly rate: number;
  readonly seconds: number;
  readonly classes: readonly ProbeClassName[];
}

/** Calibration, opening, judging and closing, measured with 3 to 100 guests. */
const overheadS = 1;
const stepS = 0.4;
const usualRate = 1000;

/** Amount and rate of a plan's frames, and how many leave the machine. */
export function costOf(plan: Plan): PlanCost {
  const { steps } = plan;
  return {
    probeFrames: steps.reduce((sum, step) => sum + framesOfStep(step), 0),
    controlFrames: steps.reduce((sum, step) => sum + step.controls.length, 0),
    outOfNic: steps.reduce((sum, step) => sum + leavingNic(step, plan), 0),
    rate: Math.max(0, ...steps.flatMap(({ rate, rates }) => rates ?? [rate ?? usualRate])),
    seconds: steps.reduce((sum, step) => sum + secondsOf(step), overheadS),
    classes: [...new Set(steps.flatMap(({ flows }) => flows.map((flow) => flow.class)))],
  };
}

/** Classes that flood to a guest here: the bridge has no entry of it. */
const floodsAnyway: ReadonlySet<ProbeClassName> = new Set(['aged-unicast', 'unknown-unicast']);

/** To stations beyond, flooded ones, and the uplinks' receive controls. */
function leavingNic(step: StepPlan, plan: Plan): number {
  const uplinks = new Set(plan.endpoints.filter(({ role }) => role === 'uplink').map(({ name }) => name));
  const local = new Set(plan.endpoints.filter(({ role }) => role !== 'uplink').flatMap(({ macs }) => macs));
  const probes = step.flows
    .filter(
      ({ sender, frame, class: name }) =>
        uplinks.size > 0 && !uplinks.has(sender) && (floodsAnyway.has(name) || !local.has(frame.dstMac)),
    )
    .reduce((sum, { count }) => sum + count, 0);
  return (
    probes +
    leavingLowerDevice(step, plan) +
    step.controls.filter(({ kind, observer, sender }) => kind === 'ear' && sender === null && uplinks.has(observer))
      .length
  );
}

/**
 * All but unicast between two guests in mode bridge. An ipvlan also drops what its flag separates, and in mode l3 group
 * frames.
 */
function leavingLowerDevice({ flows }: StepPlan, { endpoints }: Plan): number {
  const belowOf = new Map(
    endpoints.flatMap(({ name, below }) => (below !== undefined && isOnDevice(below) ? [[name, below] as const] : [])),
  );
  const macsInMode = (isInside: (below: Below) => boolean): ReadonlySet<string> =>
    new Set(
      endpoints.flatMap(({ below, macs }) => (below !== undefined && isOnDevice(below) && isInside(below) ? macs : [])),
    );
  const bridged = macsInMode((below) => passingOf(below) === 'bridge');
  const shared = macsInMode((below) => isIpvlanMode(below.mode) && passingOf(below) !== 'vepa');
  const stays = (below: Below, dstMac: string): boolean => {
    if (isIpvlanMode(below.mode)) return shared.has(dstMac) || (below.mode !== 'l2' && isGroupMacText(dstMac));
    return passingOf(below) === 'bridge' && bridged.has(dstMac);
  };
  return flows
    .filter(({ sender, frame }) => {
      const below = belowOf.get(sender);
      return below !== undefined && !stays(below, frame.dstMac);
    })
    .reduce((sum, { count }) => sum + count, 0);
}

function probingSeconds({ flows, rate, rates }: StepPlan): number {
  const usual = rate ?? usualRate;
  if (rates === undefined) return framesOfStep({ flows }) / usual;
  return framesByKind(flows).reduce((sum, { first, frames }) => sum + frames / (rates[first.probe] ?? usual), 0);
}

function secondsOf(step: StepPlan): number {
  const waitingS = (step.waitMs + step.drainMs + (step.listenMs ?? 0)) / 1000;
  return probingSeconds(step) + step.controls.length / usualRate + waitingS + stepS;
}
