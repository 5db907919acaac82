import type { Flow, Flows, StepPlan } from '../../model/plan.js';

/**
 * The first flow of each form and sender, in the order of sending: all that is to be looked at where nothing depends on
 * whom a flow is for. A mesh of a thousand guests has a thousand of them, and a million flows. Of a list: every flow.
 */
export function kindsOfFlows(flows: Flows): Iterable<Flow> {
  return flows.kinds?.() ?? flows;
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
