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

/** From JSON of `watch --learn`. Throws TypeError with the first fault. */
export function parseSnapshot(value: unknown): Snapshot {
  const misfit = misfitOf(shape, value);
  if (misfit !== null) throw new TypeError(`${pathText(misfit.at)}: expected ${misfit.expected}`);
  return value as Snapshot;
}
