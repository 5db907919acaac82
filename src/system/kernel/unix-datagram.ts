import { closeSync, writeSync } from 'node:fs';
import { libc } from './libc.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from './socket-constants.js';

/** Bytes of struct sockaddr_un: family, path. */
const maxAddress = 110;

/**
 * Sends one datagram to a unix socket, which Node does not offer; `@` begins the name of an abstract one. False where
 * nobody took it.
 */
export function sendUnixDatagram(path: string, text: string): boolean {
  const c = libc();
  const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  try {
    const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
    const address = Buffer.concat([Buffer.from(new Uint8Array(new Uint16Array([AF_UNIX]).buffer)), name]);
    if (address.length > maxAddress || c.connect(fd, address, address.length) < 0) return false;
    writeSync(fd, text);
    return true;
  } catch {
    return false; // the listener went away
  } finally {
    closeSync(fd);
  }
}
