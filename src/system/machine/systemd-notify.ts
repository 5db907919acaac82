import { sendUnixDatagram } from '../kernel/unix-datagram.js';

/**
 * Reports systemd how a service is (sd_notify(3)): `READY=1`, `WATCHDOG=1`, `STATUS=…`. Does nothing where no
 * NOTIFY_SOCKET was given; false where nobody took it: a manager that went away is no reason to stop watching.
 */
export function notifySystemd(state: string, path = process.env['NOTIFY_SOCKET']): boolean {
  return path !== undefined && path !== '' && sendUnixDatagram(path, state);
}

/** Where systemd-journald listens. */
const journalSocket = '/run/systemd/journal/socket';

/**
 * Writes an entry into the system's journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL: `FIELD=value`, a
 * line each). Control characters in values become spaces, so that no value is taken for a field. False where there is
 * no journal.
 */
export function writeJournalEntry(fields: Readonly<Record<string, string>>, socket = journalSocket): boolean {
  const lines = Object.entries(fields).map(
    ([name, value]) => `${name}=${value.replaceAll(/[\u0000-\u001f\u007f]/g, ' ')}\n`,
  );
  return sendUnixDatagram(socket, lines.join(''));
}
