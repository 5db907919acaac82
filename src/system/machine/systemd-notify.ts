import { closeSync, writeSync } from 'node:fs';
import { libc } from '../kernel/libc.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../kernel/socket-constants.js';

/** struct sockaddr_un: family, path. */
const maxAddress = 110;

/** `@` begins an abstract name. False = not taken. */
function sendUnixDatagram(path: string, text: string): boolean {
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

/**
 * sd_notify(3): `READY=1`, `WATCHDOG=1`, `STATUS=…`. No-op without NOTIFY_SOCKET. False = not taken, no reason to stop
 * watching.
 */
export function notifySystemd(state: string, path = process.env['NOTIFY_SOCKET']): boolean {
  return path !== undefined && path !== '' && sendUnixDatagram(path, state);
}

const journalSocket = '/run/systemd/journal/socket';

/**
 * systemd's JOURNAL_NATIVE_PROTOCOL. Control characters become spaces, so no value becomes a field. False = no journal.
 */
export function writeJournalEntry(fields: Readonly<Record<string, string>>, socket = journalSocket): boolean {
  const lines = Object.entries(fields).map(
    ([name, value]) => `${name}=${value.replaceAll(/[\u0000-\u001f\u007f]/g, ' ')}\n`,
  );
  return sendUnixDatagram(socket, lines.join(''));
}
