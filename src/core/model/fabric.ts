import type { FaultCode } from './reasons.js';
import { fdbEntry, mdbEntry, mirrorShape, portVlan, settingValue } from './scenario.js';
import { flag, maybe, type Of, oneOf, orNull, tagged, text } from './shape/shape.js';
import type { HostState } from './state.js';

export const place = {
  device: text,
  /** A path for setns (`/proc/1/fd/17`); null = the orchestrator's namespace. */
  netns: orNull(text),
  /** A host reached through ssh, and `netns` is its; absent = this one. */
  host: maybe(text),
};
/** The namespace of an interface, in which sockets are opened. */
export type Place = Of<typeof place>;

/** Names of ip-netns(8). */
export const netnsFolder = '/run/netns/';

/**
 * The file for setns: from a name of ip-netns(8) or a path such as /proc/4711/ns/net; null = the caller's namespace.
 */
export function netnsPath(netns: string | null): string | null {
  return netns === null || netns.includes('/') ? netns : `${netnsFolder}${netns}`;
}

/** The commands that ran, and the kernel's value afterwards. */
export interface ChangeRecord {
  readonly commands: readonly (readonly string[])[];
  readonly readBack: string | null;
}

/**
 * A topology as it exists, built in the lab or found on a host. Methods reject with a VerifyError that names the change
 * or device.
 */
export interface Fabric {
  readonly runsAs: 'root' | 'user-namespace';
  apply(change: Change): Promise<ChangeRecord>;
  /** Runs a command of `during` at the bridges; nothing is read back or undone. */
  happen(command: readonly string[]): Promise<void>;
  /** Frames sent here enter the bridge as the endpoint's. */
  sendingPlace(endpoint: string): Place;
  observingPlace(device: string): Place;
  /** A device to send from so that frames enter a guests' device as from beyond it. */
  arrivingPlace(device: string): Place;
  /**
   * Resolves when every present port forwards, and after a change, when Open vSwitch forwards accordingly; rejects
   * after the kernel's time for it.
   */
  settled(changed: boolean): Promise<void>;
  readState(): Promise<HostState>;
  /** Faults since the last call: a dead relay, a lost link. */
  faults(): readonly { readonly code: FaultCode; readonly text: string }[];
  /** Restores everything and checks it; gives the names of what is left. */
  close(): Promise<readonly string[]>;
}

const act = oneOf('add', 'del');
const ovs = maybe(oneOf(true));
export const change = tagged('kind', {
  set: { device: text, place: oneOf('bridge', 'port', 'link'), key: text, value: settingValue },
  /** Of Open vSwitch: a column of its database, or a port's `flood`. */
  'ovs-set': { table: oneOf('Bridge', 'Port'), device: text, key: text, value: settingValue },
  sysctl: { name: text, value: text },
  vlan: { act, entry: portVlan, self: flag, ovs },
  'fdb-flush': { bridge: text, ovs },
  fdb: { act, entry: fdbEntry, ovs },
  /** Of Open vSwitch; `runId` distinguishes it from another mirror of its name. */
  mirror: { bridge: text, mirror: mirrorShape, runId: maybe(text) },
  mdb: { act, bridge: text, entry: mdbEntry },
  start: { endpoint: text },
  stop: { endpoint: text },
  run: { argv: [text] },
});
/** One change to the kernel, as data. The fabric executes it, reads it back and can undo it. */
export type Change = Of<typeof change>;
export type ChangeOf<K extends Change['kind']> = Extract<Change, { kind: K }>;

/**
 * The end of a weakness, as data: reports render it, trials execute it, configuration managers give it a persistent
 * form.
 *
 * @example
 *   { changes: [{ kind: 'set', place: 'port', device: 'vnet0', key: 'isolated', value: true }] }
 */
export interface Fix {
  /** In order; all belong to the fix. Empty: only words for people. */
  readonly changes: readonly Change[];
  /** The place, as words before the commands; absent: wherever the weakness is. */
  readonly where?: string;
  /** Words behind the commands: `, or …`, `, and …`. */
  readonly also?: string;
}
