import { guestManagers } from '../../core/discover/guests.js';
import { monitorGuests, monitorProcesses } from '../../core/discover/guests/machine-monitors.js';
import type { GuestRecord, Manager } from '../../core/model/host-config.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type Failure, failureOf } from '../../core/protocol/failure.js';
import { parsePrinted } from '../process/programs.js';

/** A program's unparsed text about guests. */
export interface PrintedGuests {
  /** null = from monitors' processes. */
  readonly by: Manager | null;
  readonly command: string;
  readonly text: string;
  readonly about: Readonly<Record<string, string>>;
}

export type ParsedGuests = { readonly guests: readonly GuestRecord[] } | { readonly error: Failure };

function guestsOf({ by, command, text, about }: PrintedGuests): readonly GuestRecord[] {
  const json = (): unknown => parsePrinted(command, text);
  if (by === null) return monitorGuests(monitorProcesses(json()));
  return guestManagers[by]?.guests({ text, json, about }) ?? [];
}

/** Guests in a manager's text, partly written by tenants. */
export function parseGuests(printed: PrintedGuests): ParsedGuests {
  try {
    return { guests: guestsOf(printed) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error: failureOf(error instanceof VerifyError ? error : notGuests(printed.command, error)) };
  }
}

function notGuests(command: string, { message }: Error): VerifyError {
  return new VerifyError(
    'command-failed',
    3,
    `${command} printed something that describes no guests: ${message}`,
    'see what it prints',
  );
}
