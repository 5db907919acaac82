import type { FaultCode } from './reasons.js';
import type { FdbEntry, MdbEntry, Mirror, PortVlan, SettingValue } from './scenario.js';
import type { HostState } from './state.js';

/** Where an interface lives, so that a socket can be opened on it. */
export interface Place {
  readonly device: string;
  /** A path that setns takes (`/proc/1/fd/17`); null = the orchestrator's own network namespace. */
  readonly netns: string | null;
  /** The host that the orchestrator reaches through ssh; absent = this one. `netns` is then that host's. */
  readonly host?: string;
}

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

/** One thing to do to the kernel, as data: the fabric executes it, reads it back and knows how to undo it. */
export type Change =
  | {
      readonly kind: 'set';
      readonly device: string;
      readonly place: 'bridge' | 'port' | 'link';
      readonly key: string;
      readonly value: SettingValue;
    }
  /** Of Open vSwitch: a column of its database, or a port's `flood`. */
  | {
      readonly kind: 'ovs-set';
      readonly table: 'Bridge' | 'Port';
      readonly device: string;
      readonly key: string;
      readonly value: SettingValue;
    }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  /** `ovs`, here and below: of Open vSwitch. */
  | {
      readonly kind: 'vlan';
      readonly act: 'add' | 'del';
      readonly entry: PortVlan;
      readonly self: boolean;
      readonly ovs?: true;
    }
  | { readonly kind: 'fdb-flush'; readonly bridge: string; readonly ovs?: true }
  | { readonly kind: 'fdb'; readonly act: 'add' | 'del'; readonly entry: FdbEntry; readonly ovs?: true }
  /** Open vSwitch's. `runId`: it carries it, so that it can be distinguished from another of its name. */
  | { readonly kind: 'mirror'; readonly bridge: string; readonly mirror: Mirror; readonly runId?: string }
  | { readonly kind: 'mdb'; readonly act: 'add' | 'del'; readonly bridge: string; readonly entry: MdbEntry }
  | { readonly kind: 'start'; readonly endpoint: string }
  | { readonly kind: 'stop'; readonly endpoint: string }
  | { readonly kind: 'run'; readonly argv: readonly string[] };
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
