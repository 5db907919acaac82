import { sendUnixDatagram } from '../system/kernel/unix-datagram.js';

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
