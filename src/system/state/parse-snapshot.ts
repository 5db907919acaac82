import { z } from 'zod';
import { type FeatureTrial, kernelFeatures } from '../../core/model/machine.js';
import type { Snapshot } from '../../core/model/state.js';
import { packetSocketShape, stateShape } from '../../core/protocol/state-shape.js';

const shape = z.object({
  state: stateShape.extend({ vlan: z.unknown(), mdb: z.unknown(), tc: z.unknown(), nft: z.unknown() }),
  packetSockets: z.array(packetSocketShape).nullable(),
  promiscuousLog: z.record(z.string(), z.string()).nullable(),
  vmnet: z.array(z.object({ path: z.string(), mode: z.number(), group: z.number() })),
  ovs: z.null(),
});

/** A snapshot from JSON that `watch --learn` wrote. Throws ZodError, with every fault, where it is not one. */
export function parseSnapshot(value: unknown): Snapshot {
  return shape.parse(value) as Snapshot;
}

/** What the inside of the lab says of its trials, over the channel to its launcher. */
export interface TrialsMessage {
  readonly runsAs: 'root' | 'user-namespace';
  readonly sysfs: boolean;
  readonly features: readonly FeatureTrial[];
}

const trials = z.object({
  runsAs: z.enum(['root', 'user-namespace']),
  sysfs: z.boolean(),
  features: z.array(
    z.object({
      feature: z.string().refine((name) => Object.hasOwn(kernelFeatures, name)),
      works: z.boolean(),
      said: z.string(),
    }),
  ),
});

/** Reads a `TrialsMessage`; null = it is something else. */
export function parseTrials(message: unknown): TrialsMessage | null {
  const { success, data } = trials.safeParse(message);
  return success ? (data as TrialsMessage) : null;
}
