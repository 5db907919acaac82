import { type FeatureTrial, kernelFeatures } from '../../core/model/machine.js';
import { leaf, mapOf, misfitOf, number, orNull, pathText, text } from '../../core/model/shape/shape.js';
import type { Snapshot } from '../../core/model/state.js';
import { packetSockets, stateShape } from '../../core/protocol/state-shape.js';

const shape = {
  state: stateShape,
  packetSockets: orNull(packetSockets),
  promiscuousLog: orNull(mapOf(text)),
  vmnet: [{ path: text, mode: number, group: number }],
  ovs: leaf('null', (value): value is null => value === null),
};

/** A snapshot from JSON that `watch --learn` wrote. Throws Error, with the first fault, where it is not one. */
export function parseSnapshot(value: unknown): Snapshot {
  const misfit = misfitOf(shape, value);
  if (misfit !== null) throw new TypeError(`${pathText(misfit.at)}: expected ${misfit.expected}`);
  return value as Snapshot;
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
