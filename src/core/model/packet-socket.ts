import { maybe, number, type Of, oneOf, text, whole } from './shape/shape.js';

const runningProgram = {
  path: text,
  device: number,
  inode: number,
  /** Uid of the file's owner. */
  owner: number,
  /** In a user namespace root's uid may differ. */
  isRoots: maybe(oneOf(true)),
  /** Real uid. */
  user: number,
};
export type RunningProgram = Of<typeof runningProgram>;

export const socketProcess = {
  pid: whole,
  name: text,
  /** Absent = this program's, or not visible. */
  program: maybe(runningProgram),
  /**
   * Root's file, written only by root, in namespaces of process 1, without guests' devices or packet sockets elsewhere.
   */
  hostsOwn: maybe(oneOf(true)),
};
export type SocketProcess = Of<typeof socketProcess>;

/** It could pass on frames of the bridges that it reads. */
export interface HostReader extends Omit<SocketProcess, 'hostsOwn'> {
  readonly where: string;
}

/** A possible bypass of all observers that nothing accounts for. */
export interface OpenMatter {
  readonly what: string;
  readonly where: string;
  /** For `run --trust`. */
  readonly trust: string;
  readonly holders?: readonly Omit<HostReader, 'where'>[];
}

/** A line of /proc/net/packet (packet(7)). */
export interface PacketSocket {
  readonly inode: string;
  /** 0 = all interfaces. */
  readonly ifindex: number;
  /** EtherType, hexadecimal: `0003` = every frame, `0000` = none. */
  readonly protocol: string;
  /** Empty if its processes are not visible. */
  readonly holders: readonly SocketProcess[];
  /** A helper's of this program. */
  readonly own: boolean;
  /** Classic BPF in hex, 8 bytes an instruction. null = none, or eBPF. Absent = not reported. */
  readonly filter?: string | null;
  /** It sees frames from the network header on. */
  readonly cooked?: true;
  /** Interface indices (PACKET_MR_PROMISC). Absent = not reported. */
  readonly promiscuous?: readonly number[];
}

/** False if unbound or for sending only. */
export function receives({ protocol }: Pick<PacketSocket, 'protocol'>): boolean {
  return protocol !== '0000';
}

/** True if it makes an interface promiscuous, or may: bound to it, and the kernel does not report. */
export function holdsPromiscuous(socket: PacketSocket, ifindex: number): boolean {
  return socket.promiscuous?.includes(ifindex) ?? (socket.ifindex === ifindex && receives(socket));
}
