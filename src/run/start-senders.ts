import type { StepPlan } from '../core/model/plan.js';
import type { Sender } from '../inject/sender.js';
import type { Place } from '../model/fabric.js';
import { remoteOf, type RunContext } from './context.js';
import { joinSenders } from './hosts/join-senders.js';
import { startRemoteSender } from './hosts/remote-sender.js';
import { socketPlaces } from './sockets.js';

/** Starts the sending helpers of a step, one on each host that sends. */
export async function startSenders(context: RunContext, step: StepPlan): Promise<Sender> {
  const places = Object.entries(socketPlaces(context, step));
  const hosts = [...new Set(places.map(([, { host }]) => host ?? null))];
  const start = async (
    host: string | null,
  ): Promise<{ readonly sender: Sender; readonly sockets: ReadonlySet<string> }> => {
    const own: Readonly<Record<string, Place>> = Object.fromEntries(
      places
        .filter(([, place]) => (place.host ?? null) === host)
        .map(([name, { device, netns }]) => [name, { device, netns }]),
    );
    const sender =
      host === null
        ? await context.devices.startSender(own)
        : await startRemoteSender(remoteOf(context, host), `step-${step.index + 1}`, own);
    return { sender, sockets: new Set(Object.keys(own)) };
  };
  if (hosts.length === 0) return context.devices.startSender({});
  const started = await Promise.allSettled(hosts.map(start));
  const parts = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  for (const one of started) {
    if (one.status === 'fulfilled') continue;
    for (const { sender } of parts) sender.kill();
    throw one.reason;
  }
  return joinSenders(parts);
}
