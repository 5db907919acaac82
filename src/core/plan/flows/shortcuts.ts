import type { Flow, FlowKind, Flows, StepPlan, TrafficPlan } from '../../model/plan.js';
import type { Scenario, Step } from '../../model/scenario.js';

/**
 * The first flow of each form and sender, in the order of sending: all that is to be looked at where nothing depends on
 * whom a flow is for. A mesh of a thousand guests has a thousand of them, and a million flows. Of a list: every flow.
 */
export function kindsOfFlows(flows: Flows): Iterable<Flow> {
  return flows.kinds?.().map(({ first }) => first) ?? flows;
}

/** The same with the frames of each kind; of a list every flow is one. */
export function framesByKind(flows: Flows): readonly FlowKind[] {
  return flows.kinds?.() ?? flows.map((flow) => ({ first: flow, frames: flow.count }));
}

/** Frames of all flows of a step: their tokens number through. */
export function framesOfStep({ flows }: Pick<StepPlan, 'flows'>): number {
  const [first, last] = [flows.at(0), flows.at(flows.length - 1)];
  return first === undefined || last === undefined ? 0 : last.first + last.count - first.first;
}

/**
 * What `find` says of a sender, asked once for all of its flows or rows that follow one another: they come in the order
 * of sending, and a mesh has a million of them.
 */
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
  /** What was asked for after it the last time. */
  next: Turn<T> | null;
}

/**
 * What `find` says of a name, found once for each and then mostly without a search: the flows of each sender go round
 * the same addressees in the same order, and a mesh has a million of them.
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

/** Both ways of a step's traffic, each with its sender and its receiver. */
export function waysOf({
  from,
  to,
}: Pick<TrafficPlan, 'from' | 'to'>): readonly (readonly [way: '>' | '<', source: string, sink: string])[] {
  return [
    ['>', from, to],
    ['<', to, from],
  ];
}

/** Names of the endpoints that run in each step of a scenario, in turn. */
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
