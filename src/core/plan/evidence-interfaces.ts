import type { Observer, Plan, StepPlan } from '../model/plan.js';

/** One interface block of evidence.pcapng: an observer of a step. Its number is its place in the list. */
export interface EvidenceInterface {
  readonly step: number;
  /** Index into the step's observers. */
  readonly observer: number;
  readonly name: string;
  readonly description: string;
}

/** What an interface block says of its observer, for people who open the capture. */
export function describeObserver(observer: Observer, stepIndex: number, stepName: string): string {
  const place = observer.hop === undefined ? '' : ` at ${observer.hop.near}`;
  return `${observer.name} (${observer.role}) on ${observer.bridge}${place}, step ${stepIndex + 1}: ${stepName}`;
}

/** The interface blocks of evidence.pcapng, in order: by step, then by observer; then those that steps found. */
export function evidenceInterfaces(plan: Plan): readonly EvidenceInterface[] {
  const interfaces = plan.steps.flatMap((step) =>
    step.observers.map((observer, index) => ({
      isFound: observer.place === 'above' && observer.by === undefined,
      block: {
        step: step.index,
        observer: index,
        name: observer.interface,
        description: describeObserver(observer, step.index, step.name),
      },
    })),
  );
  return [...interfaces.filter(({ isFound }) => !isFound), ...interfaces.filter(({ isFound }) => isFound)].map(
    ({ block }) => block,
  );
}

/** An observer of a step: evidence.pcapng has an interface block for it. */
export interface StepObserver {
  readonly step: StepPlan;
  readonly observer: Observer;
}

/** The observer of each interface block, by its number; null = the plan does not have it. */
export function stepObservers(plan: Plan): readonly (StepObserver | null)[] {
  return evidenceInterfaces(plan).map(({ step: index, observer: place }) => {
    const step = plan.steps[index];
    const observer = step?.observers[place];
    return step === undefined || observer === undefined ? null : { step, observer };
  });
}
