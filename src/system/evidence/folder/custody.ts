import { messageOf, systemCode } from '../../../core/model/verify-error.js';
import { join } from 'node:path';
import { fits, number, type Of, oneOf, orNull, strict, text } from '../../../core/model/shape/shape.js';
import { jsonText } from '../../../core/text/json-text.js';
import { type FileLine, linesOfRegular } from '../read/regular-file.js';
import { files } from './folder.js';
import { appendText } from './named-file.js';
import { hashFile } from './hash.js';

const entryShape = strict({
  at: text,
  action: oneOf('attested', 'purged'),
  uid: number,
  sudoUser: orNull(text),
  before: text,
  after: text,
  text,
  /** SHA-256 of the previous line without its end. null = first line. */
  previous: orNull(text),
});
/** A line of custody.ndjson: a later action on the folder, chained by hashes. */
export type CustodyEntry = Of<typeof entryShape>;

/** SHA-256 of SHA256SUMS, which covers every other file. */
export function rootHash(dir: string): Promise<string> {
  return hashFile(join(dir, files.sums.name));
}

const maxInLine = 1 << 16;
const maxShown = 20;

function* lines(dir: string): Generator<FileLine> {
  try {
    yield* linesOfRegular(join(dir, files.custody.name), maxInLine);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** A line with its end. `after`: the new root hash. */
export function custodyLine(
  dir: string,
  entry: Pick<CustodyEntry, 'action' | 'before' | 'text'>,
  after: string,
): string {
  let previous: string | null = null;
  for (const { sha256 } of lines(dir)) previous = sha256;
  const complete: CustodyEntry = {
    at: new Date().toISOString(),
    ...entry,
    uid: process.getuid?.() ?? -1,
    sudoUser: process.env.SUDO_USER ?? null,
    after,
    previous,
  };
  return `${jsonText(complete)}\n`;
}

/** Appends a line of `custodyLine`. */
export function appendCustody(dir: string, line: string): void {
  appendText(join(dir, files.custody.name), line);
}

/** The custody log and its faults. */
export interface Custody {
  /** Of all. `entries` are the last. */
  readonly count: number;
  readonly entries: readonly CustodyEntry[];
  readonly faults: readonly string[];
}

function parseEntry(line: string | null): CustodyEntry | null {
  try {
    const value: unknown = JSON.parse(line ?? '');
    return fits(entryShape, value) ? value : null;
  } catch {
    return null;
  }
}

/** Faults: bad lines, a broken chain, another root hash. No log = no actions. Memory is constant. */
export async function readCustody(dir: string): Promise<Custody> {
  const entries: CustodyEntry[] = [];
  const faults: string[] = [];
  let faultCount = 0;
  const fault = (what: string): void => {
    faultCount += 1;
    if (faults.length < maxShown) faults.push(what);
  };
  let [number, count] = [0, 0];
  let previous: string | null = null;
  let last: CustodyEntry | null = null;
  try {
    for (const { text, sha256 } of lines(dir)) {
      number += 1;
      const entry = parseEntry(text);
      if (entry === null) fault(`line ${number} is no entry`);
      else {
        if (entry.previous !== previous) fault(`line ${number} does not follow the line before it`);
        if (last !== null && last.after !== entry.before)
          fault(`line ${number} begins with another root hash than the one before it ended with`);
        count += 1;
        last = entry;
        if (entries.push(entry) > maxShown) entries.shift();
      }
      previous = sha256;
    }
  } catch (error) {
    fault(`${files.custody.name}: ${messageOf(error)}`);
  }
  if (last !== null && last.after !== (await rootHash(dir).catch(() => null)))
    fault('the root hash is not the one that the last line ends with');
  if (faultCount > faults.length) faults.push(`and ${faultCount - faults.length} more`);
  return { count, entries, faults };
}
