import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';

/** A program that knows guests by name: a file of this folder, and its line in ../guests.ts. */
export interface GuestManager {
  /** As people call it. */
  readonly what: string;
  /** Asked only where one of these files is: elsewhere the program would install, start or set up something. */
  readonly where?: readonly string[];
  /** Its programs run in the namespace of the bridges; absent: in the caller's, as people start them. */
  readonly besideBridges?: true;
  /**
   * The commands whose answers together describe all guests that run. `ask` gives what a program prints, to find them
   * by; `links` are those of the namespace of the bridges. What tenants wrote comes into no command but as an id that
   * has the form of one. Rejects with VerifyError.
   */
  readonly queries: (ask: AskProgram, links: readonly LinkState[]) => Promise<readonly GuestQuery[]>;
  /** The guests of one answer, of which tenants wrote a part: asked in a process without rights. May throw. */
  readonly guests: (answer: GuestAnswer) => readonly GuestRecord[];
}

/** Runs a program and gives what it prints. Rejects with VerifyError: `program-missing`, `command-failed`. */
export type AskProgram = (argv: readonly string[]) => Promise<string>;

/** A command, and what is known of the guests that it describes beside what it prints. */
export interface GuestQuery {
  readonly argv: readonly string[];
  readonly about?: Readonly<Record<string, string>>;
}

export interface GuestAnswer {
  readonly text: string;
  /** The text as JSON. Throws VerifyError where it is none. */
  readonly json: () => unknown;
  /** Of the query; empty = nothing. */
  readonly about: Readonly<Record<string, string>>;
}

/** What no other form says of an id: nothing that a program would take for an option. */
const plainId = /^\w[\w.-]{0,127}$/;

/** Ids, one a line. Throws VerifyError where anything else is printed: guests could be missing. */
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

/** The words of each line; no line whose first word is no id, as the heads of tables are not. */
export function rowsIn(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([id = '']) => plainId.test(id));
}

/** A MAC address as the rest of the program writes it; null = the text is none. */
export function normalizeMac(text: string | null | undefined): string | null {
  return text !== null && text !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? text.toLowerCase()
    : null;
}
