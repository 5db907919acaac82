import { maybe, number, type Of, oneOf, text, whole } from './shape/shape.js';

/** The executable of a process (/proc/PID/exe) and its user. */
const runningProgram = {
  path: text,
  device: number,
  inode: number,
  /** Uid of the file's owner. */
  owner: number,
  /** Root owns the file: in a user namespace its uid may differ. */
  isRoots: maybe(oneOf(true)),
  /** Real uid of the process. */
  user: number,
};
export type RunningProgram = Of<typeof runningProgram>;

export const socketProcess = {
  pid: whole,
  name: text,
  /** Absent = this program's, or not visible. */
  program: maybe(runningProgram),
  /**
   * A program of the host alone: a file of root's, writable by no other user, in the namespaces of process 1, without a
   * tap, hypervisor device or packet socket on another device.
   */
  hostsOwn: maybe(oneOf(true)),
};
export type SocketProcess = Of<typeof socketProcess>;

/** A host program that reads frames of the bridges, and could pass them on. */
export interface HostReader extends Omit<SocketProcess, 'hostsOwn'> {
  readonly where: string;
}

/** A possible bypass of all observers that nothing accounts for. */
export interface OpenMatter {
  readonly what: string;
  readonly where: string;
  /** Its name for `run --trust`. */
  readonly trust: string;
  readonly holders?: readonly Omit<HostReader, 'where'>[];
}

/** A packet socket (packet(7)) as in /proc/net/packet. */
export interface PacketSocket {
  readonly inode: string;
  /** 0 = all interfaces. */
  readonly ifindex: number;
  /** EtherType, hexadecimal: `0003` = every frame, `0000` = receives nothing. */
  readonly protocol: string;
  /** Empty if another user's processes hold it and cannot be seen. */
  readonly holders: readonly SocketProcess[];
  /** A helper's of this program: what it listens to is known. */
  readonly own: boolean;
  /** Classic BPF, 8 bytes an instruction, hex; null = none, or eBPF. Absent = not reported. */
  readonly filter?: string | null;
  /** It and its filter see frames from the network header on; absent = whole frames. */
  readonly cooked?: true;
  /** Indices of interfaces that it makes promiscuous (PACKET_MR_PROMISC). Absent = not reported. */
  readonly promiscuous?: readonly number[];
}

/** True if it receives frames: not for sending only, not unbound. */
export function receives({ protocol }: Pick<PacketSocket, 'protocol'>): boolean {
  return protocol !== '0000';
}

/** True if it makes an interface promiscuous, or may: bound to it, and the kernel does not report. */
export function holdsPromiscuous(socket: PacketSocket, ifindex: number): boolean {
  return socket.promiscuous?.includes(ifindex) ?? (socket.ifindex === ifindex && receives(socket));
}
