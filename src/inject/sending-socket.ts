import { inNamespace } from '../system/kernel/namespaces.js';
import { linkIndex, noSuchInterface, openUnboundPacketSocket } from '../system/kernel/packet-socket.js';

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
