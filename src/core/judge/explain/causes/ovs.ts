import { membersOf } from '../../../bridge/ovs-settings.js';
import type { OvsBridgeState, OvsPortState, OvsState } from '../../../model/state.js';
import type { LeakContext } from './leak.js';

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
export function ovsLeak({ before, bridge, fromPort, to, port }: LeakContext): OvsLeak | null {
  const { ovs } = before;
  const own = ovs?.bridges.find(({ name }) => name === bridge.name);
  if (ovs === undefined || own === undefined) return null;
  const portNamed = (name: string | null | undefined): OvsPortState | null =>
    ovs.ports.find((one) => one.bridge === own.name && one.name === name) ?? null;
  return { ovs, bridge: own, from: portNamed(fromPort?.name), to: portNamed(to?.port), port: portNamed(port?.name) };
}

/** The numbers among the members of a column. */
export function numbersIn(value: unknown): readonly number[] {
  return membersOf(value).filter((one) => typeof one === 'number');
}
