import { maybe, number, type Of, oneOf, text, whole } from './shape/shape.js';

/** The file that a process runs (/proc/PID/exe), and the user that runs it. */
const runningProgram = {
  path: text,
  device: number,
  inode: number,
  /** Uid of the file's owner. */
  owner: number,
  /** Root owns the file: in a user namespace its number may be another one. */
  isRoots: maybe(oneOf(true)),
  /** Real uid of the process. */
  user: number,
};
export type RunningProgram = Of<typeof runningProgram>;

export const socketProcess = {
  pid: whole,
  name: text,
  /** Absent = it is this program's, or cannot be seen. */
  program: maybe(runningProgram),
  /**
   * A program of the host's own, which has nothing of a guest's: root's file, which no other user may write, in the
   * namespaces of process 1, without a tap, a device of a hypervisor or a packet socket on another device.
   */
  hostsOwn: maybe(oneOf(true)),
};
/** A process that holds a packet socket. */
export type SocketProcess = Of<typeof socketProcess>;

/** A program of the host's own that reads frames of the bridges, and could say them elsewhere. */
export interface HostReader extends Omit<SocketProcess, 'hostsOwn'> {
  /** The device at which it reads. */
  readonly where: string;
}

/** Something that can carry frames past the ears, for which nobody answers. */
export interface OpenMatter {
  readonly what: string;
  readonly where: string;
  /** The name by which `run --trust` answers for it. */
  readonly trust: string;
  /** Processes that get frames there, as far as they are known. */
  readonly holders?: readonly Omit<HostReader, 'where'>[];
}

/** A packet socket (packet(7)) as /proc/net/packet lists it. */
export interface PacketSocket {
  readonly inode: string;
  /** Interface that it is bound to; 0 = all of them. */
  readonly ifindex: number;
  /** EtherType in hexadecimal: `0003` = every frame, `0000` = it receives nothing. */
  readonly protocol: string;
  /** Processes that hold it; empty where they belong to somebody else and cannot be seen. */
  readonly holders: readonly SocketProcess[];
  /** A helper of this program: what it listens to is known. */
  readonly own: boolean;
  /**
   * Its filter, classic BPF, 8 bytes an instruction, hex; null = it has none, or one of eBPF. Absent = the kernel did
   * not report.
   */
  readonly filter?: string | null;
  /** It gets frames, and its filter sees them, from their network header on; absent = whole. */
  readonly cooked?: true;
  /**
   * Interfaces that it holds promiscuous (PACKET_MR_PROMISC), by index; empty = none. Absent = the kernel did not
   * report.
   */
  readonly promiscuous?: readonly number[];
}

/** Does it receive frames, or is it for sending, or not bound yet? */
export function receives({ protocol }: Pick<PacketSocket, 'protocol'>): boolean {
  return protocol !== '0000';
}

/** Does it hold an interface promiscuous? Where the kernel does not report that, one that is bound to it may. */
export function holdsPromiscuous(socket: PacketSocket, ifindex: number): boolean {
  return socket.promiscuous?.includes(ifindex) ?? (socket.ifindex === ifindex && receives(socket));
}
