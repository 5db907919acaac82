import type { Control, StepPlan } from '../core/model/plan.js';
import type { Place } from '../model/fabric.js';
import { sendersOf } from '../plan/senders.js';
import type { RunContext } from './context.js';

/** Name of the socket on which an endpoint's frames are sent. */
export function senderSocket(endpoint: string): string {
  return `send:${endpoint}`;
}

/** Name of the second socket on an observer's own interface, for ear controls. */
export function earSocket(observer: string): string {
  return `ear:${observer}`;
}

export function controlSocket(control: Control): string {
  return control.sender === null ? earSocket(control.observer) : senderSocket(control.sender);
}

/** Every socket of a step: one for each endpoint that sends, one for each ear. */
export function socketPlaces(context: RunContext, step: StepPlan): Readonly<Record<string, Place>> {
  const senders = sendersOf(step).map((name) => [senderSocket(name), context.fabric.sendingPlace(name)] as const);
  const ears = step.observers
    .filter((observer) => observer.place !== 'bridge')
    .map((observer) => [earSocket(observer.name), context.fabric.observingPlace(observer.interface)] as const);
  return Object.fromEntries([...senders, ...ears]);
}
