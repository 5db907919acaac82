import { createHash } from 'node:crypto';
import type { FrameSpec, Plan } from '../model/plan.js';

/**
 * Addresses that a run invents for itself begin with 06 and its tag (core/probe/addresses.ts): they differ from run to
 * run and mean the same.
 */
function lasting(frame: FrameSpec, own: ReadonlySet<string>): FrameSpec {
  const plain = (mac: string): string => (mac.startsWith('06:') && !own.has(mac) ? 'invented' : mac);
  return { ...frame, srcMac: plain(frame.srcMac), dstMac: plain(frame.dstMac) };
}

/**
 * SHA-256 of all that a run changes and sends, and of who listens, in hex: two plans with the same hash do the same to
 * the machine. What differs by itself from run to run (key, tag, invented addresses, the MACs that a port has learned)
 * does not count.
 */
export function planHash(plan: Plan): string {
  const own = new Set(plan.endpoints.flatMap(({ macs }) => macs));
  const steps = plan.steps.map((step) => ({
    name: step.name,
    changes: step.changes,
    learn: step.learn,
    waitMs: step.waitMs,
    rate: step.rate,
    listenMs: step.listenMs,
    during: step.during,
    traffic: step.traffic,
    flows: step.flows.map(({ class: probeClass, sender, from, to, count, frame }) => ({
      probeClass,
      sender,
      from,
      to,
      count,
      frame: lasting(frame, own),
    })),
    controls: step.controls.map(({ kind, phase, observer, sender, frame }) => ({
      kind,
      phase,
      observer,
      sender,
      frame: lasting(frame, own),
    })),
    observers: step.observers.map(({ name, interface: device, bridge }) => ({ name, device, bridge })),
  }));
  return createHash('sha256')
    .update(JSON.stringify({ name: plan.name, provider: plan.provider, bridges: plan.bridges, steps }))
    .digest('hex');
}
