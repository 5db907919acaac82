import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileHash, Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { loadScenario } from '../../../core/scenario/load-scenario.js';

/** The contract's limit for a scenario; a larger file is not even read. */
const mostOctets = 1024 * 1024;

/** Reads a file that a scenario includes; what is wrong with it in words. */
function readIncluded(path: string): Uint8Array | string {
  try {
    const info = statSync(path);
    if (!info.isFile()) return 'it is not a file';
    return info.size > mostOctets ? `it has ${info.size} octets, expected at most 1 MiB` : readFileSync(path);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function loadFile(file: string, sets: ReadonlyMap<string, string>): Promise<Scenario> {
  const fault = (what: string): VerifyError =>
    new VerifyError(
      'scenario-invalid',
      64,
      `${file}:1:1: ${what}`,
      'give the path of a scenario: a YAML file of at most 1 MiB; scenarios/ has some',
    );
  const info = await stat(file).catch((error: unknown) => {
    throw fault(error instanceof Error ? error.message : String(error));
  });
  if (!info.isFile()) throw fault('not a file');
  if (info.size > mostOctets) throw fault(`${info.size} octets: a scenario has at most 1 MiB`);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fault(error instanceof Error ? error.message : String(error));
  });
  const scenario = loadScenario(file, bytes, { readFile: readIncluded, sets });
  return { ...scenario, files: [...scenario.files, ...filesNamed(scenario)] };
}

/**
 * `sets`: values for the files' variables. Loads every file before anything runs. Rejects with one VerifyError (64)
 * that names the faults of all of them; what is valid but not supported yet is 69.
 */
export async function loadFiles(
  files: readonly string[],
  sets: ReadonlyMap<string, string> = new Map(),
): Promise<readonly Scenario[]> {
  const scenarios: Scenario[] = [];
  const errors: VerifyError[] = [];
  for (const file of files) {
    try {
      scenarios.push(await loadFile(file, sets));
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      errors.push(error);
    }
  }
  const [first] = errors;
  if (first === undefined) return scenarios;
  const exit = errors.some((error) => error.exit === 64) ? 64 : first.exit;
  const hints = [...new Set(errors.map((error) => error.hint))];
  throw new VerifyError(first.code, exit, errors.map((error) => error.message).join('\n'), hints.join('\n'));
}

/**
 * Files of rules and the like that a scenario's `run` and `during` commands name, each once, as they are now; relative
 * paths start at its folder.
 */
function filesNamed({ file, steps }: Pick<Scenario, 'file' | 'steps'>): readonly FileHash[] {
  const words = steps
    .flatMap(({ run, during }) => [...run, ...during.flatMap((each) => each.run)])
    .flatMap(([, ...args]) => args);
  return [...new Set(words)].flatMap((path) => {
    try {
      const full = resolve(dirname(file), path);
      return statSync(full).isFile()
        ? [{ path, sha256: createHash('sha256').update(readFileSync(full)).digest('hex') }]
        : [];
    } catch {
      return []; // a word that is no file, or one that cannot be read: the command will say so
    }
  });
}
