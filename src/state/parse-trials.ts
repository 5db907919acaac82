import { kernelFeatures, type FeatureTrial } from '../core/model/machine.js';

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
