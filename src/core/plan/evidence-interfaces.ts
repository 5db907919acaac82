import type { Observer, Plan, StepPlan } from '../model/plan.js';

/** An interface block of evidence.pcapng, by its place in the list. */
export interface EvidenceInterface {
  readonly step: number;
  readonly observer: number;
  readonly name: string;
  readonly description: string;
}

/** Description in an interface block, for users who open the capture. */
export function describeObserver(observer: Observer, stepIndex: number, stepName: string): string {
  const place = observer.hop === undefined ? '' : ` at ${observer.hop.near}`;
  return `${observer.name} (${observer.role}) on ${observer.bridge}${place}, step ${stepIndex + 1}: ${stepName}`;
}

/** Interface blocks of evidence.pcapng by step, then observer; then those that steps found. */
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

/** An observer with an interface block in evidence.pcapng. */
export interface StepObserver {
  readonly step: StepPlan;
  readonly observer: Observer;
}

/** Observers by number of interface block; null = not in the plan. */
export function stepObservers(plan: Plan): readonly (StepObserver | null)[] {
  return evidenceInterfaces(plan).map(({ step: index, observer: place }) => {
    const step = plan.steps[index];
    const observer = step?.observers[place];
    return step === undefined || observer === undefined ? null : { step, observer };
  });
}
