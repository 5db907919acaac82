import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonText } from '../../../core/text/json-text.js';
import { files } from './folder.js';
import { hashFile } from './hash.js';

/**
 * One line of custody.ndjson: what was done to a run's folder after the run, by whom. Each line holds the hash of the
 * line before it.
 */
export interface CustodyEntry {
  readonly at: string;
  readonly action: 'attested' | 'purged';
  readonly uid: number;
  /** Whoever called sudo. */
  readonly sudoUser: string | null;
  /** SHA-256 of SHA256SUMS before and after: the folder's root hash. */
  readonly before: string;
  readonly after: string;
  readonly text: string;
  /** SHA-256 of the line before, without its line end; null = this is the first. */
  readonly previous: string | null;
}

const shape = z.object({
  at: z.string(),
  action: z.enum(['attested', 'purged']),
  uid: z.number(),
  sudoUser: z.string().nullable(),
  before: z.string(),
  after: z.string(),
  text: z.string(),
  previous: z.string().nullable(),
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The root hash of a run's folder: SHA-256 of SHA256SUMS, which names every other file by its hash. */
export function rootHash(dir: string): Promise<string> {
  return hashFile(join(dir, files.sums));
}

async function lines(dir: string): Promise<readonly string[]> {
  const text = await readFile(join(dir, files.custody), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** Appends to the custody log what was just done. */
export async function logCustody(dir: string, entry: Pick<CustodyEntry, 'action' | 'before' | 'text'>): Promise<void> {
  const last = (await lines(dir)).at(-1);
  const whole: CustodyEntry = {
    at: new Date().toISOString(),
    ...entry,
    uid: process.getuid?.() ?? -1,
    sudoUser: process.env.SUDO_USER ?? null,
    after: await rootHash(dir),
    previous: last === undefined ? null : sha256(last),
  };
  await appendFile(join(dir, files.custody), `${jsonText(whole)}\n`, { mode: 0o600 });
}

/**
 * The custody log, and what is wrong with it: a line that is none, a chain that is broken, a root hash that is not the
 * folder's. No log: nothing was done.
 */
export async function readCustody(
  dir: string,
): Promise<{ readonly entries: readonly CustodyEntry[]; readonly faults: readonly string[] }> {
  const entries: CustodyEntry[] = [];
  const faults: string[] = [];
  let previous: string | null = null;
  for (const [index, line] of (await lines(dir)).entries()) {
    let value: unknown = null;
    try {
      value = JSON.parse(line);
    } catch {
      // told below: null is no entry
    }
    const parsed = shape.safeParse(value);
    if (!parsed.success) faults.push(`line ${index + 1} is no entry`);
    else {
      const before = entries.at(-1);
      if (parsed.data.previous !== previous) faults.push(`line ${index + 1} does not follow the line before it`);
      if (before !== undefined && before.after !== parsed.data.before)
        faults.push(`line ${index + 1} begins with another root hash than the one before it ended with`);
      entries.push(parsed.data);
    }
    previous = sha256(line);
  }
  const last = entries.at(-1);
  if (last !== undefined && last.after !== (await rootHash(dir).catch(() => null)))
    faults.push('the root hash is not the one that the last line ends with');
  return { entries, faults };
}
