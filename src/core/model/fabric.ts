import type { FaultCode } from './reasons.js';
import { fdbEntry, mdbEntry, mirrorShape, portVlan, settingValue } from './scenario.js';
import { flag, maybe, type Of, oneOf, orNull, tagged, text } from './shape/shape.js';
import type { HostState } from './state.js';

export const place = {
  device: text,
  /** A path for setns (`/proc/1/fd/17`). */
  netns: orNull(text),
  /** Reached through ssh, absent = this host. */
  host: maybe(text),
};
/** A namespace in which sockets are opened. */
export type Place = Of<typeof place>;

/** See ip-netns(8). */
export const netnsFolder = '/run/netns/';

/** The path for setns of an ip-netns(8) name or of a path. null = the caller's namespace. */
export function netnsPath(netns: string | null): string | null {
  return netns === null || netns.includes('/') ? netns : `${netnsFolder}${netns}`;
}

/** Commands, and the kernel's value after them. */
export interface ChangeRecord {
  readonly commands: readonly (readonly string[])[];
  readonly readBack: string | null;
}

/** A topology in the lab or on a host. Methods reject with a VerifyError that names the change or device. */
export interface Fabric {
  readonly runsAs: 'root' | 'user-namespace';
  apply(change: Change): Promise<ChangeRecord>;
  /** Runs a command of `during`, without reading back or undoing. */
  happen(command: readonly string[]): Promise<void>;
  /** Frames sent here enter the bridge as the endpoint's. */
  sendingPlace(endpoint: string): Place;
  observingPlace(device: string): Place;
  /** Frames sent here enter `device` as from beyond it. */
  arrivingPlace(device: string): Place;
  /**
   * Resolves when all ports forward, after a change those of Open vSwitch too. Rejects after the kernel's time for it.
   */
  settled(changed: boolean): Promise<void>;
  readState(): Promise<HostState>;
  /** Since the last call: a dead relay, a lost link. */
  faults(): readonly { readonly code: FaultCode; readonly text: string }[];
  /** Restores everything. Gives names that remain. */
  close(): Promise<readonly string[]>;
}

const act = oneOf('add', 'del');
const ovs = maybe(oneOf(true));
export const change = tagged('kind', {
  set: { device: text, place: oneOf('bridge', 'port', 'link'), key: text, value: settingValue },
  /** A database column, or a port's `flood`. */
  'ovs-set': { table: oneOf('Bridge', 'Port'), device: text, key: text, value: settingValue },
  sysctl: { name: text, value: text },
  vlan: { act, entry: portVlan, self: flag, ovs },
  'fdb-flush': { bridge: text, ovs },
  fdb: { act, entry: fdbEntry, ovs },
  /** `runId` distinguishes mirrors of one name. */
  mirror: { bridge: text, mirror: mirrorShape, runId: maybe(text) },
  mdb: { act, bridge: text, entry: mdbEntry },
  start: { endpoint: text },
  stop: { endpoint: text },
  run: { argv: [text] },
});
/** A change to the kernel, which can be read back and undone. */
export type Change = Of<typeof change>;
export type ChangeOf<K extends Change['kind']> = Extract<Change, { kind: K }>;

/**
 * A fix as data for reports, trials and configuration managers.
 * @example
 *   { changes: [{ kind: 'set', place: 'port', device: 'vnet0', key: 'isolated', value: true }] }
 */
export interface Fix {
  /** In order. Empty: only words for people. */
  readonly changes: readonly Change[];
  /** Words before the commands. */
  readonly where?: string;
  /** Words behind them: `, or …`, `, and …`. */
  readonly also?: string;
}
