import { type FeatureTrial, kernelFeatures } from '../../core/model/machine.js';
import {
  fits,
  flag,
  leaf,
  mapOf,
  misfitOf,
  number,
  oneOf,
  orNull,
  pathText,
  text,
} from '../../core/model/shape/shape.js';
import type { Snapshot } from '../../core/model/state.js';
import { packetSockets, stateShape } from '../../core/protocol/state-shape.js';

const shape = {
  state: stateShape,
  packetSockets: orNull(packetSockets),
  promiscuousLog: orNull(mapOf(text)),
  vmnet: [{ path: text, mode: number, group: number }],
  ovs: leaf('null', (value): value is null => value === null),
};

/** A snapshot from JSON that `watch --learn` wrote. Throws TypeError, with the first fault, where it is not one. */
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

const isFeature = (name: unknown): name is FeatureTrial['feature'] =>
  typeof name === 'string' && Object.hasOwn(kernelFeatures, name);
const trials = {
  runsAs: oneOf('root', 'user-namespace'),
  sysfs: flag,
  features: [{ feature: leaf('a feature', isFeature), works: flag, said: text }],
};

/** Reads a `TrialsMessage`; null = it is something else. */
export function parseTrials(message: unknown): TrialsMessage | null {
  return fits(trials, message) ? message : null;
}
