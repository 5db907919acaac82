import type { FaultCode } from './reasons.js';
import { fdbEntry, mdbEntry, mirrorShape, portVlan, settingValue } from './scenario.js';
import { flag, maybe, type Of, oneOf, orNull, tagged, text } from './shape/shape.js';
import type { HostState } from './state.js';

export const place = {
  device: text,
  /** A path that setns takes (`/proc/1/fd/17`); null = the orchestrator's own network namespace. */
  netns: orNull(text),
  /** The host that the orchestrator reaches through ssh; absent = this one. `netns` is then that host's. */
  host: maybe(text),
};
/** Where an interface lives, so that a socket can be opened on it. */
export type Place = Of<typeof place>;

/** Where ip-netns(8) keeps its names. */
export const netnsFolder = '/run/netns/';

/**
 * The file that setns takes: a name of ip-netns(8), or a path such as /proc/4711/ns/net; null = the caller's own
 * namespace.
 */
export function netnsPath(netns: string | null): string | null {
  return netns === null || netns.includes('/') ? netns : `${netnsFolder}${netns}`;
}

/** What a change did: the commands that ran and what the kernel says now. */
export interface ChangeRecord {
  readonly commands: readonly (readonly string[])[];
  readonly readBack: string | null;
}

/**
 * A topology as it exists. Built in the lab or found on the host; the orchestrator sees only this.
 * Every method rejects with a VerifyError that names the change or the device at fault.
 */
export interface Fabric {
  readonly runsAs: 'root' | 'user-namespace';
  /** Carries the change out and reads it back. */
  apply(change: Change): Promise<ChangeRecord>;
  /** Runs a command of `during` where the bridges are. What it does is the author's: nothing is read back or undone. */
  happen(command: readonly string[]): Promise<void>;
  /** Where frames are sent so that they enter the bridge as the endpoint's. */
  sendingPlace(endpoint: string): Place;
  /** Where an observer's interface lives. */
  observingPlace(device: string): Place;
  /** A device to send from so that frames enter a guests' device as from beyond it. */
  arrivingPlace(device: string): Place;
  /**
   * Resolves when every present port forwards, and where something was `changed` before, when Open vSwitch forwards
   * accordingly; rejects after the time in which the kernel should have come to it.
   */
  settled(changed: boolean): Promise<void>;
  readState(): Promise<HostState>;
  /** Faults since the last call: a relay that died, a link that went. */
  faults(): readonly { readonly code: FaultCode; readonly text: string }[];
  /** Puts everything back and looks whether it is: what was left behind, by name; empty = nothing. */
  close(): Promise<readonly string[]>;
}

const act = oneOf('add', 'del');
/** Of Open vSwitch. */
const ovs = maybe(oneOf(true));
export const change = tagged('kind', {
  set: { device: text, place: oneOf('bridge', 'port', 'link'), key: text, value: settingValue },
  /** Of Open vSwitch: a column of its database, or a port's `flood`. */
  'ovs-set': { table: oneOf('Bridge', 'Port'), device: text, key: text, value: settingValue },
  sysctl: { name: text, value: text },
  vlan: { act, entry: portVlan, self: flag, ovs },
  'fdb-flush': { bridge: text, ovs },
  fdb: { act, entry: fdbEntry, ovs },
  /** Open vSwitch's. `runId`: it carries it, so that it can be distinguished from another of its name. */
  mirror: { bridge: text, mirror: mirrorShape, runId: maybe(text) },
  mdb: { act, bridge: text, entry: mdbEntry },
  start: { endpoint: text },
  stop: { endpoint: text },
  run: { argv: [text] },
});
/** One thing to do to the kernel, as data: the fabric executes it, reads it back and knows how to undo it. */
export type Change = Of<typeof change>;
export type ChangeOf<K extends Change['kind']> = Extract<Change, { kind: K }>;

/**
 * What ends a weakness of a host, as data: reports render it, trials execute it, and managers of configuration are
 * asked for a form of it that stays.
 *
 * @example
 *   { changes: [{ kind: 'set', place: 'port', device: 'vnet0', key: 'isolated', value: true }] }
 */
export interface Fix {
  /** In their order; all of them belong to it. Empty: it is words to people alone. */
  readonly changes: readonly Change[];
  /** The place it applies to, as words before the commands; absent: wherever the weakness is. */
  readonly where?: string;
  /** What else belongs to it or would do in its place, as words behind the commands: `, or …`, `, and …`. */
  readonly also?: string;
}
