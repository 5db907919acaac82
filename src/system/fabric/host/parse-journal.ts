import { z } from 'zod';
import type { UndoEntry } from '../../../core/bridge/undo/entry.js';
import { parseUndoEntry } from '../../../core/bridge/undo/parse-entry.js';
import { fieldsOf, textsOf } from '../../../core/text/json-fields.js';
import { showCommand } from '../../process/programs.js';
import type { NamespacePlace } from './namespace-place.js';

/** Which run wrote a journal, and where its bridges are. */
export interface JournalOwner {
  readonly runId: string;
  readonly place: NamespacePlace;
}

export interface ParsedJournal {
  readonly owner: JournalOwner;
  /** Latest first. */
  readonly entries: readonly UndoEntry[];
  /** Numbers of lines that say nothing that this version could have written. */
  readonly unread: readonly number[];
}

const owner = z.strictObject({
  journal: z.literal(2),
  runId: z.string().regex(/^[\w-]{1,64}$/),
  pid: z.int(),
  place: z.strictObject({
    path: z.string().max(4096).nullable(),
    inode: z.int(),
    cookie: z.string().max(20),
    view: z.string().max(64),
    boot: z.string().max(64),
  }),
});

/** Of the commands of an older version so many are shown. */
const maxShown = 20;

/**
 * Takes a journal apart: it is data, and nothing in it is a command. A last line that is cut short was not carried out.
 * Returns why where the first line tells no run.
 */
export function parseJournal(text: string): ParsedJournal | string {
  const [first, ...rest] = text.split('\n').slice(0, -1).map(parseLine);
  if (first === undefined) return 'its first line is cut short: its run had changed nothing yet';
  const { success, data } = owner.safeParse(first);
  if (!success) return whyForeign(first, rest);
  const lines = rest.map((line, index) => ({ entry: parseUndoEntry(line), number: index + 2 }));
  return {
    owner: { runId: data.runId, place: data.place },
    entries: lines.flatMap(({ entry }) => entry ?? []).reverse(),
    unread: lines.filter(({ entry }) => entry === null).map(({ number }) => number),
  };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function whyForeign(first: unknown, rest: readonly unknown[]): string {
  if (fieldsOf(first)?.['runId'] === undefined) return 'its first line does not say which run wrote it';
  const commands = rest
    .map((line) => textsOf(fieldsOf(line)?.['command']))
    .filter((command) => command.length > 0)
    .reverse();
  const more = commands.length > maxShown ? `; and ${commands.length - maxShown} more` : '';
  return `another version wrote it, and nothing in it is carried out. ${
    commands.length === 0
      ? 'It names no command'
      : `See whether this is still owed: ${commands.slice(0, maxShown).map(showCommand).join('; ')}${more}`
  }`;
}
