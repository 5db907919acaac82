import type { HelperFault } from '../../core/protocol/messages.js';
import { inNamespace } from '../kernel/namespaces.js';
import { linkIndex, noSuchInterface, openUnboundPacketSocket } from '../kernel/packet-socket.js';

/** Frames that the kernel took; `error` (`ENETDOWN`, `helper-died`, …): why not more. */
export interface SendOutcome {
  readonly accepted: number;
  readonly error: string | null;
}

/** The next frames for a named socket; `size`: leading bytes of each, absent = all. */
export interface SocketRoute {
  readonly socket: string;
  readonly count: number;
  readonly size?: number;
}

/** The sending helper with a socket for each place. */
export interface Sender {
  readonly pid: number;
  /**
   * Sends frames of `length` bytes, back to back in `frames`, in order and paced; null = as fast as the kernel takes
   * them. Never rejects for events on the wire. Calls run one by one; the next may already be at the helper.
   */
  send(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  /** As `send` on several sockets, `count` frames each, in order, until the kernel refuses one. */
  sendRouted(
    routes: readonly SocketRoute[],
    frames: Uint8Array,
    length: number,
    perSecond: number | null,
  ): Promise<SendOutcome>;
  onFault(listener: (fault: HelperFault) => void): void;
  stop(): Promise<void>;
  kill(): void;
}

/** A packet socket in a network namespace (null = this process's) that receives nothing. Throws VerifyError (69). */
export function openSendingSocket(netns: string | null): number {
  return inNamespace(netns, openUnboundPacketSocket);
}

/** Index of the interface in the socket's namespace. Throws VerifyError (69) `interface-gone`. */
export function sendingInterface(fd: number, device: string): number {
  const index = linkIndex(fd, device);
  if (index === null) throw noSuchInterface(device);
  return index;
}
