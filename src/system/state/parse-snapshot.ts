import { z } from 'zod';
import { type FeatureTrial, kernelFeatures } from '../../core/model/machine.js';
import type { Snapshot } from '../../core/model/state.js';

const setting = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullable();
const shape = z.object({
  state: z.object({
    links: z.array(
      z.looseObject({
        name: z.string(),
        ifindex: z.number(),
        mac: z.string(),
        mtu: z.number(),
        flags: z.array(z.string()),
        operstate: z.string(),
        master: z.string().nullable(),
        promiscuity: z.number().nullable(),
        kind: z.string().nullable(),
        sysFlags: z.number().nullable(),
        bridge: setting,
        port: setting,
      }),
    ),
    fdb: z.array(
      z.object({
        mac: z.string(),
        port: z.string(),
        master: z.string().nullable(),
        vlan: z.number().nullable(),
        state: z.string(),
        flags: z.array(z.string()),
        usedS: z.number().nullable(),
        updatedS: z.number().nullable(),
      }),
    ),
    vlan: z.unknown(),
    mdb: z.unknown(),
    tc: z.unknown(),
    nft: z.unknown(),
    sysctl: z.record(z.string(), z.string()),
    drops: z.object({ devices: z.record(z.string(), z.number()), backlog: z.number() }).nullable(),
    programs: z.array(z.object({ device: z.string(), place: z.string(), id: z.number() })).nullable(),
    packetHandlers: z
      .array(z.object({ type: z.string(), device: z.string().nullable(), function: z.string() }))
      .optional(),
    sharedTaps: z.record(z.string(), z.array(z.object({ pid: z.number(), name: z.string() }))).optional(),
    waiting: z.array(z.object({ device: z.string(), discipline: z.string(), frames: z.number() })).optional(),
    logGroups: z.array(z.number()).optional(),
    neighbours: z
      .array(z.object({ address: z.string(), mac: z.string(), device: z.string(), isStatic: z.boolean() }))
      .optional(),
    hardware: z.record(z.string(), z.array(z.string())).optional(),
    legacyTables: z
      .array(
        z.object({
          program: z.enum(['iptables-legacy', 'ip6tables-legacy', 'ebtables-legacy']),
          table: z.string(),
          rules: z.number(),
          targets: z.array(z.string()).nullable(),
          matches: z.array(z.string()).optional(),
          copies: z
            .array(
              z.object({ chain: z.string(), number: z.number(), matches: z.array(z.string()), gateway: z.string() }),
            )
            .optional(),
        }),
      )
      .optional(),
    unread: z.array(z.object({ what: z.string(), why: z.string() })),
  }),
  packetSockets: z
    .array(
      z.object({
        inode: z.string(),
        ifindex: z.number(),
        protocol: z.string(),
        holders: z.array(z.object({ pid: z.number(), name: z.string() })),
        own: z.boolean(),
        filter: z.string().nullable().optional(),
        cooked: z.literal(true).optional(),
        promiscuous: z.array(z.number()).optional(),
      }),
    )
    .nullable(),
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

function isTrial(value: unknown): value is FeatureTrial {
  return (
    typeof value === 'object' &&
    value !== null &&
    'feature' in value &&
    typeof value.feature === 'string' &&
    Object.hasOwn(kernelFeatures, value.feature) &&
    'works' in value &&
    typeof value.works === 'boolean' &&
    'said' in value &&
    typeof value.said === 'string'
  );
}

/** Reads a `TrialsMessage`; null = it is something else. */
export function parseTrials(message: unknown): TrialsMessage | null {
  if (
    typeof message !== 'object' ||
    message === null ||
    !('features' in message) ||
    !('runsAs' in message) ||
    !('sysfs' in message)
  )
    return null;
  const { features, runsAs, sysfs } = message;
  if (!Array.isArray(features) || !features.every(isTrial) || typeof sysfs !== 'boolean') return null;
  return runsAs === 'root' || runsAs === 'user-namespace' ? { runsAs, sysfs, features } : null;
}
