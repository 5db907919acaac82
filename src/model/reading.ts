import type { HostState } from './state.js';

/** A packet socket (packet(7)) as /proc/net/packet lists it. */
export interface PacketSocket {
  readonly inode: string;
  /** Interface that it is bound to; 0 = all of them. */
  readonly ifindex: number;
  /** EtherType in hexadecimal: `0003` = every frame, `0000` = it receives nothing. */
  readonly protocol: string;
  /** Processes that hold it; empty where they belong to somebody else and cannot be seen. */
  readonly holders: readonly { readonly pid: number; readonly name: string }[];
  /** A helper of this program: what it listens to is known. */
  readonly own: boolean;
}

/** A device of VMware's networking. */
export interface VmnetDevice {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly group: number;
}

/** Records of Open vSwitch's database by column, as `ovs-vsctl --format=json list` prints them. */
export type OvsRecord = Readonly<Record<string, unknown>>;

/** All that an audit reads, at one moment. `null` = it could not be read, and `state.unread` says why, or is not there at all. */
export interface Reading {
  readonly state: HostState;
  readonly packetSockets: readonly PacketSocket[] | null;
  /** By device, what the kernel's log last said of its promiscuous mode. The log knows no namespaces: a hint, no proof. */
  readonly promiscuousLog: Readonly<Record<string, string>> | null;
  readonly vmnet: readonly VmnetDevice[];
  readonly ovs: { readonly bridges: readonly OvsRecord[]; readonly ports: readonly OvsRecord[]; readonly mirrors: readonly OvsRecord[] } | null;
}
