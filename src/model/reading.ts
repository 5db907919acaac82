import type { PacketSocket } from './packet-socket.js';
import type { Declared } from './declared.js';
import type { Keeper } from '../core/model/persistent-fix.js';
import type { HostState } from './state.js';

/** A device of VMware's networking. */
export interface VmnetDevice {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly group: number;
}

/** Records of Open vSwitch's database by column, as `ovs-vsctl --format=json list` prints them. */
export type OvsRecord = Readonly<Record<string, unknown>>;

/**
 * All that an audit reads, at one moment. `null` = it could not be read, and `state.unread` says why, or is not there
 * at all.
 */
export interface Reading {
  readonly state: HostState;
  readonly packetSockets: readonly PacketSocket[] | null;
  /**
   * By device, what the kernel's log last said of its promiscuous mode. The log knows no namespaces: a hint, no proof.
   */
  readonly promiscuousLog: Readonly<Record<string, string>> | null;
  readonly vmnet: readonly VmnetDevice[];
  readonly ovs: {
    readonly bridges: readonly OvsRecord[];
    readonly ports: readonly OvsRecord[];
    readonly mirrors: readonly OvsRecord[];
  } | null;
  /** What the host's configuration says of bridges and ports; absent = it was not read. */
  readonly declared?: readonly Declared[];
  /** Whose configuration makes which bridge and port; absent = it was not read. */
  readonly keepers?: readonly Keeper[];
}
