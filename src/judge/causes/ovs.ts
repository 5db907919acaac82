import type { OvsBridgeState, OvsPortState, OvsState } from '../../model/state.js';
import type { Leak } from './leak.js';

/** A leak on a bridge of Open vSwitch, with what the switch said. */
export interface OvsLeak {
  readonly ovs: OvsState;
  readonly bridge: OvsBridgeState;
  readonly from: OvsPortState | null;
  readonly to: OvsPortState | null;
  /** The observer's port. */
  readonly port: OvsPortState | null;
}

/** null = the bridge is none of Open vSwitch. */
export function ovsLeak({ before, bridge, fromPort, to, port }: Leak): OvsLeak | null {
  const { ovs } = before;
  const own = ovs?.bridges.find(({ name }) => name === bridge.name);
  if (ovs === undefined || own === undefined) return null;
  const portNamed = (name: string | null | undefined): OvsPortState | null => ovs.ports.find((one) => one.bridge === own.name && one.name === name) ?? null;
  return { ovs, bridge: own, from: portNamed(fromPort?.name), to: portNamed(to?.port), port: portNamed(port?.name) };
}

/** The numbers of a column: one prints as itself, several as ["set", […]] (RFC 7047 5.1). */
export function numbersIn(value: unknown): readonly number[] {
  const members: unknown = Array.isArray(value) && value[0] === 'set' ? value[1] : [value];
  return Array.isArray(members) ? members.filter((one) => typeof one === 'number') : [];
}

/** A key of a map column: ["map", [[key, value], …]]. */
export function valueIn(map: unknown, key: string): unknown {
  const pairs: unknown = Array.isArray(map) && map[0] === 'map' ? map[1] : [];
  if (!Array.isArray(pairs)) return undefined;
  const pair: unknown = pairs.find((one: unknown) => Array.isArray(one) && one[0] === key);
  return Array.isArray(pair) ? pair[1] : undefined;
}
