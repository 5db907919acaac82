import type { Flow, FlowKind, Flows, StepPlan, TrafficPlan } from '../../model/plan.js';
import type { Scenario, Step } from '../../model/scenario.js';

/**
 * The first flow of each form and sender, in order, for questions independent of the destination: a thousand of a
 * thousand guests' million in a mesh. Of a list, every flow.
 */
export function kindsOfFlows(flows: Flows): Iterable<Flow> {
  return flows.kinds?.().map(({ first }) => first) ?? flows;
}

/** As `kindsOfFlows`, with the frames of each kind. */
export function framesByKind(flows: Flows): readonly FlowKind[] {
  return flows.kinds?.() ?? flows.map((flow) => ({ first: flow, frames: flow.count }));
}

/** Frames of all flows of a step, by their continuous tokens. */
export function framesOfStep({ flows }: Pick<StepPlan, 'flows'>): number {
  const [first, last] = [flows.at(0), flows.at(flows.length - 1)];
  return first === undefined || last === undefined ? 0 : last.first + last.count - first.first;
}

/** Frames of all flows of all steps. */
export function framesOfSteps(steps: readonly Pick<StepPlan, 'flows'>[]): number {
  return steps.reduce((sum, step) => sum + framesOfStep(step), 0);
}

/** Caches `find` for a sender's successive flows or rows, a million in a mesh. */
export function ofSender<T>(find: (sender: string) => T): (sender: string) => T {
  let last: { readonly sender: string; readonly value: T } | null = null;
  return (sender) => {
    if (last?.sender !== sender) last = { sender, value: find(sender) };
    return last.value;
  };
}

interface Turn<T> {
  readonly name: string;
  readonly value: T;
  next: Turn<T> | null;
}

/**
 * Caches `find` by name, mostly without a search: all senders' flows, a million in a mesh, visit addressees in the same
 * order.
 */
export function inTurn<T>(find: (name: string) => T): (name: string) => T {
  const turns = new Map<string, Turn<T>>();
  let last: Turn<T> | null = null;
  return (name) => {
    const expected: Turn<T> | null = last?.next ?? null;
    if (expected?.name === name) {
      last = expected;
      return expected.value;
    }
    const turn = turns.get(name) ?? { name, value: find(name), next: null };
    turns.set(name, turn);
    if (last !== null) last.next = turn;
    last = turn;
    return turn.value;
  };
}

/** Both ways of a step's traffic, with sender and receiver. */
export function waysOf({
  from,
  to,
}: Pick<TrafficPlan, 'from' | 'to'>): readonly (readonly [way: '>' | '<', source: string, sink: string])[] {
  return [
    ['>', from, to],
    ['<', to, from],
  ];
}

/** Names of the running endpoints, step by step. */
export function* runningBySteps({
  topology,
  steps,
}: Pick<Scenario, 'topology' | 'steps'>): Generator<readonly [Step, ReadonlySet<string>]> {
  const running = new Set(topology.endpoints.filter(({ started }) => started).map(({ name }) => name));
  for (const step of steps) {
    for (const name of step.stop) running.delete(name);
    for (const name of step.start) running.add(name);
    yield [step, running];
  }
}
