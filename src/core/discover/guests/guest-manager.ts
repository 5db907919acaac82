import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';

/** A program that knows guests by name, one of ../guests.ts. */
export interface GuestManager {
  readonly what: string;
  /** Asked only if one of these files exists: elsewhere the program would install, start or set up something. */
  readonly where?: readonly string[];
  /** Its programs run in the bridges' namespace; absent: in the caller's, as people start them. */
  readonly besideBridges?: true;
  /**
   * Commands that together describe all running guests. `ask` runs a program to find them; `links`: of the bridges'
   * namespace. Of tenants' text only well-formed ids get into commands. Rejects with VerifyError.
   */
  readonly queries: (ask: AskProgram, links: readonly LinkState[]) => Promise<readonly GuestQuery[]>;
  /** Guests of an answer, partly tenants' text: called in a process without rights. May throw. */
  readonly guests: (answer: GuestAnswer) => readonly GuestRecord[];
}

/** A program's output. Rejects with VerifyError: `program-missing`, `command-failed`. */
export type AskProgram = (argv: readonly string[]) => Promise<string>;

/** A command, and knowledge of its guests beyond its output. */
export interface GuestQuery {
  readonly argv: readonly string[];
  readonly about?: Readonly<Record<string, string>>;
}

export interface GuestAnswer {
  readonly text: string;
  /** Throws VerifyError if the text is no JSON. */
  readonly json: () => unknown;
  readonly about: Readonly<Record<string, string>>;
}

/** No program takes it for an option. */
const plainId = /^\w[\w.-]{0,127}$/;

/** Ids, one a line. Throws VerifyError on any other line, as guests could be missing. */
export function idsIn(text: string, command: string, form: RegExp = plainId): readonly string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.every((line) => form.test(line))) return lines;
  throw new VerifyError(
    'command-failed',
    3,
    `${command} printed something that is no list of ids`,
    'see what it prints',
  );
}

/** Words of each line that begins with an id, unlike heads of tables. */
export function rowsIn(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([id = '']) => plainId.test(id));
}

/** A MAC address as the program writes it; null = none. */
export function normalizeMac(text: string | null | undefined): string | null {
  return text !== null && text !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? text.toLowerCase()
    : null;
}
