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

/** A sending helper with a socket for each place. */
export interface Sender {
  readonly pid: number;
  /**
   * Paced, null = unlimited. Never rejects for events on the wire. Calls run in order, and the next may already be at
   * the helper.
   */
  send(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  /** `count` frames each, until a refusal. */
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

/** It receives nothing. null = this process's namespace. Throws VerifyError (69). */
export function openSendingSocket(netns: string | null): number {
  return inNamespace(netns, openUnboundPacketSocket);
}

/** In the socket's namespace. Throws VerifyError (69) `interface-gone`. */
export function sendingInterface(fd: number, device: string): number {
  const index = linkIndex(fd, device);
  if (index === null) throw noSuchInterface(device);
  return index;
}
