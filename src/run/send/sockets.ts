import type { Place } from '../../core/model/fabric.js';
import type { Control, StepPlan } from '../../core/model/plan.js';
import { sendersOf } from '../../core/plan/observers.js';
import type { Sender } from '../../system/inject/sender.js';
import { settleAll } from '../../system/process/settle-all.js';
import { type RunContext, remoteOf } from '../context.js';
import { joinSenders } from '../hosts/join-senders.js';
import { startRemoteSender } from '../hosts/remote-helpers.js';

/** An endpoint's socket for sending. */
export function senderSocket(endpoint: string): string {
  return `send:${endpoint}`;
}

function earSocket(observer: string): string {
  return `ear:${observer}`;
}

export function controlSocket(control: Control): string {
  return control.sender === null ? earSocket(control.observer) : senderSocket(control.sender);
}

function socketPlaces(context: RunContext, step: StepPlan): Readonly<Record<string, Place>> {
  const senders = sendersOf(step).map((name) => [senderSocket(name), context.fabric.sendingPlace(name)] as const);
  const ears = step.observers
    .filter((observer) => observer.place !== 'bridge')
    .map(({ name, by, interface: device }) => {
      const { fabric } = context;
      return [
        earSocket(name),
        by === undefined ? fabric.observingPlace(device) : fabric.arrivingPlace(by.port),
      ] as const;
    });
  return Object.fromEntries([...senders, ...ears]);
}

/** One helper on each host that sends. */
export async function startSenders(context: RunContext, step: StepPlan): Promise<Sender> {
  const places = Object.entries(socketPlaces(context, step));
  const hosts = [...new Set(places.map(([, { host }]) => host ?? null))];
  const start = async (
    host: string | null,
  ): Promise<{ readonly sender: Sender; readonly sockets: ReadonlySet<string> }> => {
    const placesHere: Readonly<Record<string, Place>> = Object.fromEntries(
      places
        .filter(([, place]) => (place.host ?? null) === host)
        .map(([name, { device, netns }]) => [name, { device, netns }]),
    );
    const sender =
      host === null
        ? await context.devices.startSender(placesHere)
        : await startRemoteSender(remoteOf(context, host), `step-${step.index + 1}`, placesHere);
    return { sender, sockets: new Set(Object.keys(placesHere)) };
  };
  if (hosts.length === 0) return context.devices.startSender({});
  return joinSenders(await settleAll(hosts.map(start), ({ sender }) => sender.kill()));
}
