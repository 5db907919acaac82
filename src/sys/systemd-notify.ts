import { sendUnixDatagram } from '../system/kernel/unix-datagram.js';

/**
 * Tells systemd how a service is (sd_notify(3)): `READY=1`, `WATCHDOG=1`, `STATUS=…`. Does nothing where no
 * NOTIFY_SOCKET was given; false where nobody took it: a manager that went away is no reason to stop watching.
 */
export function notifySystemd(state: string, path = process.env['NOTIFY_SOCKET']): boolean {
  return path !== undefined && path !== '' && sendUnixDatagram(path, state);
}
