import type { Place } from '../model/fabric.js';
import { inNamespace } from '../sys/namespaces.js';
import { openPacketSocket } from '../sys/packet-socket.js';

/** A packet socket that sends on the interface at `place` and receives nothing; the caller closes it. Throws VerifyError as openPacketSocket does. */
export function openSendingSocket(place: Place): number {
  return inNamespace(place.netns, () => openPacketSocket(place.device));
}
