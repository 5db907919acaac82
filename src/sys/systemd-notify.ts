import { closeSync, writeSync } from 'node:fs';
import { libc } from './libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;

/**
 * Tells systemd how a service is (sd_notify(3)): `READY=1`, `WATCHDOG=1`, `STATUS=…`. Does nothing where no NOTIFY_SOCKET was given; false
 * where nobody took it.
 */
export function notifySystemd(state: string, path = process.env['NOTIFY_SOCKET']): boolean {
  if (path === undefined || path === '') return false;
  const c = libc();
  const fd = c.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return false;
  try {
    // struct sockaddr_un: family, path; `@` stands for the abstract namespace's first octet
    const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
    const address = Buffer.concat([Buffer.from(new Uint8Array(new Uint16Array([AF_UNIX]).buffer)), name]);
    if (address.length > 110 || c.connect(fd, address, address.length) < 0) return false;
    writeSync(fd, state);
    return true;
  } catch {
    return false; // a manager that went away is no reason to stop watching
  } finally {
    closeSync(fd);
  }
}
