import type { HelperFault } from '../../core/protocol/messages.js';
import { inNamespace } from '../kernel/namespaces.js';
import { linkIndex, noSuchInterface, openUnboundPacketSocket } from '../kernel/packet-socket.js';

/** What the kernel took of what was to be sent; `error` (`ENETDOWN`, `helper-died`, …) says why not more. */
export interface SendOutcome {
  readonly accepted: number;
  readonly error: string | null;
}

/**
 * This many frames, one after the other, on the socket of that name; of each its first `size` bytes, all where it is
 * absent.
 */
export interface SocketRoute {
  readonly socket: string;
  readonly count: number;
  readonly size?: number;
}

/** The sending helper with a socket in every place. */
export interface Sender {
  readonly pid: number;
  /**
   * Sends frames of `length` bytes, one after the other in `frames`, in order and paced; null = as fast as the kernel
   * takes them. Never rejects for what happens on the wire. Calls are carried out one after the other; the next may be
   * made, and is at the helper, while one is carried out.
   */
  send(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  /**
   * As `send`, on several sockets: the next `count` frames leave on each, in order. The first that the kernel refuses
   * ends it.
   */
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

/**
 * A packet socket that sends in that network namespace (null = this process's) and receives nothing; the caller closes
 * it. Throws VerifyError (69).
 */
export function openSendingSocket(netns: string | null): number {
  return inNamespace(netns, openUnboundPacketSocket);
}

/** Index of the interface in the socket's namespace. Throws VerifyError (69) `interface-gone`. */
export function sendingInterface(fd: number, device: string): number {
  const index = linkIndex(fd, device);
  if (index === null) throw noSuchInterface(device);
  return index;
}
