import { createHash } from 'node:crypto';
import type { FrameSpec, Plan } from '../model/plan.js';
import type { FileHash } from '../model/scenario.js';

/**
 * Addresses that a run invents for itself begin with 06 and its tag (core/probe/addresses.ts): they differ from run to
 * run and mean the same.
 */
function lasting(frame: FrameSpec, own: ReadonlySet<string>): FrameSpec {
  const plain = (mac: string): string => (mac.startsWith('06:') && !own.has(mac) ? 'invented' : mac);
  return { ...frame, srcMac: plain(frame.srcMac), dstMac: plain(frame.dstMac) };
}

/** What a run does beside its plan. */
export interface PlanSurroundings {
  /** Included files and those that commands name: a run carries out what stands in them. */
  readonly files: readonly FileHash[];
  readonly toolVersion: string;
}

/**
 * SHA-256 of all that a run changes and sends, of who listens, of what is expected and accepted, of the contents of
 * every file that it takes, and of the program's version, in hex: two plans with the same hash do and mean the same.
 * What differs by itself from run to run (key, tag, invented addresses, the MACs that a port has learned) does not
 * count, and neither does the folder that a file lies in.
 */
export function planHash(plan: Plan, { files, toolVersion }: PlanSurroundings): string {
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
    present: step.present,
    expect: step.expect,
    provokes: step.provokes ?? [],
    snaplen: step.snaplen,
    drainMs: step.drainMs,
    flows: step.flows.map(({ class: probeClass, sender, from, to, count, frame, must, may, judged }) => ({
      probeClass,
      sender,
      from,
      to,
      count,
      must,
      may,
      judged,
      frame: lasting(frame, own),
    })),
    controls: step.controls.map(({ kind, phase, observer, sender, frame }) => ({
      kind,
      phase,
      observer,
      sender,
      frame: lasting(frame, own),
    })),
    observers: step.observers.map(({ name, interface: device, bridge, judged }) => ({ name, device, bridge, judged })),
  }));
  const { name, provider, bridges, hosts = [], sysctl, partialScope } = plan;
  const contents = files.map(({ path, sha256 }) => ({ name: path.slice(path.lastIndexOf('/') + 1), sha256 }));
  return createHash('sha256')
    .update(
      JSON.stringify({ toolVersion, name, provider, bridges, hosts, sysctl, partialScope, files: contents, steps }),
    )
    .digest('hex');
}
