import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import type { FleetCommand, FleetReport } from '../../../core/model/fleet.js';
import { messageOf, systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { readRegular, readRegularIfThere } from '../read/regular-file.js';
import { compressedCapture, files } from './folder.js';
import { someText } from '../../../core/text/names.js';

const maxBytes = 16 * 2 ** 20;

/** A host and its evidence's folder; null = only its name is known. */
export interface HostFolder {
  readonly host: string;
  readonly dir: string | null;
}

/** Beside the hosts' folders, a name a line. */
const namesFile = 'hosts';
/** Ending of `run --push`'s summaries. */
export const summaryEnd = '.summary';
/** `HOST/run/SCENARIO`. */
const maxDepth = 2;
const signs: readonly string[] = [
  files.run.name,
  files.plan.name,
  files.timeline.name,
  files.capture.name,
  compressedCapture,
  files.sums.name,
  files.result.name,
];

interface Listed {
  readonly folders: readonly string[];
  readonly names: readonly string[];
}

async function list(dir: string): Promise<Listed> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return {
      folders: entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort(),
      names: entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
    };
  } catch (error) {
    throw new VerifyError(
      'folder-unreadable',
      64,
      `${dir}: ${messageOf(error)}`,
      'name folders that hold what came back from the hosts',
    );
  }
}

function readNames(path: string): string {
  try {
    return readRegular(path, maxBytes);
  } catch (error) {
    throw new VerifyError(
      'folder-unreadable',
      64,
      `${path}: ${messageOf(error)}`,
      'it has the names of the hosts that were asked, a line each',
    );
  }
}

/**
 * Each of `dirs` is a run's folder, a host's (with contrib/ansible's host.json), or has a folder for each host. There
 * `hosts` also names silent ones. Throws VerifyError (64) if unreadable.
 */
export async function hostFolders(dirs: readonly string[]): Promise<readonly HostFolder[]> {
  const hosts: HostFolder[] = [];
  for (const dir of dirs) {
    const { folders, names } = await list(dir);
    const host = basename(resolve(dir));
    if (
      names.includes(hostRecordFile) ||
      names.some((name) => signs.includes(name)) ||
      (folders.length === 0 && !names.includes(namesFile) && !names.some((name) => name.endsWith(summaryEnd)))
    ) {
      hosts.push({ host, dir });
      continue;
    }
    const requested = names.includes(namesFile)
      ? readNames(join(dir, namesFile))
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '')
      : [];
    hosts.push(...folders.map((name) => ({ host: name, dir: join(dir, name) })));
    hosts.push(
      ...[...new Set(requested)].filter((name) => !folders.includes(name)).map((name) => ({ host: name, dir: null })),
    );
  }
  return hosts;
}

/** Summaries of `run --push`, not below `dirs`. Throws as `hostFolders`. */
export async function summaryFiles(dirs: readonly string[]): Promise<readonly string[]> {
  const listed = await Promise.all(dirs.map(async (dir) => ({ dir, names: (await list(dir)).names })));
  return listed.flatMap(({ dir, names }) =>
    names.filter((name) => name.endsWith(summaryEnd) && !name.startsWith('.')).map((name) => join(dir, name)),
  );
}

/** Complete or not, below a host's folder. */
export async function evidenceFolders(dir: string, deep = 0): Promise<readonly string[]> {
  const { folders, names } = await list(dir);
  if (names.some((name) => signs.includes(name))) return [dir];
  if (deep === maxDepth) return [];
  return (await Promise.all(folders.map((name) => evidenceFolders(join(dir, name), deep + 1)))).flat();
}

/** contrib/ansible writes commands on a host and their ends there. */
const hostRecordFile = 'host.json';

const shape = z.strictObject({
  schemaVersion: z.literal(1),
  unreachable: z.string().nullable(),
  commands: z.array(z.strictObject({ name: z.string(), status: z.int().min(0).max(255), text: z.string() })),
});

const codeCounts = z.array(z.strictObject({ code: z.string().max(100), count: z.int().min(0) })).max(100);
const line = z.string().max(1000);

/** The keys of a `RunSummary`. */
export const runSummaryKeys = {
  id: line,
  scenario: line,
  startedAt: z.iso.datetime(),
  durationMs: z.number().min(0),
  verdict: z.enum(['holds', 'broken', 'inconclusive']),
  exitCode: z.int().min(0).max(255),
  answer: line,
  observed: z.int().min(0),
  ports: z.int().min(0),
  causes: codeCounts,
  accepted: codeCounts,
  exposed: codeCounts,
  doubts: codeCounts,
};

const codes = z.array(z.object({ code: z.string(), count: z.int() }));
const reportShape = z.object({
  schemaVersion: z.literal(1),
  at: z.iso.datetime(),
  hosts: z.array(
    z.object({
      host: z.string(),
      dir: z.string(),
      status: z.int().min(0).max(255),
      problems: z.array(z.string()),
      commands: z.array(z.object({ name: z.string(), status: z.int(), text: z.string() })),
      runs: z.array(
        z.object({
          ...runSummaryKeys,
          // As in the evidence: one host must not make the report unreadable
          ...{
            id: z.string(),
            scenario: z.string(),
            startedAt: z.string(),
            durationMs: z.number(),
            answer: z.string(),
          },
          ...{ causes: codes, accepted: codes, exposed: codes, doubts: codes },
          dir: z.string(),
          rootHash: z.string().nullable(),
          page: z.string().nullable(),
          leaks: z.array(z.string()),
          reasons: z.array(z.string()),
        }),
      ),
    }),
  ),
});

/** From `fleet --json`. Throws on bad JSON or shape. */
export function parseFleetReport(text: string): Pick<FleetReport, 'at' | 'hosts'> {
  return reportShape.parse(JSON.parse(text));
}

export interface HostRecord {
  readonly unreachable: string | null;
  readonly commands: readonly FleetCommand[];
}

/** A host folder's record; null = none. Throws VerifyError (3) on a bad one. */
export async function readHostRecord(dir: string): Promise<HostRecord | null> {
  const path = join(dir, hostRecordFile);
  try {
    const text = readRegularIfThere(path, maxBytes);
    if (text === null) return null;
    return shape.parse(JSON.parse(text));
  } catch (error) {
    throw new VerifyError(
      'host-record',
      3,
      `${path}: ${error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : messageOf(error)}`,
      'bring it back from the host again',
    );
  }
}

const maxNamed = 5;

function unreadable(dir: string, error: unknown): VerifyError {
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${dir}: ${messageOf(error)}`,
    'a run leaves its folder to the user who started it: read it as that user',
  );
}

/** The error (64) of a folder without run.json. */
export async function noRun(dir: string): Promise<VerifyError> {
  const info = await stat(dir).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw unreadable(dir, error);
  });
  const isFolder = info?.isDirectory() === true;
  const missing = info === null ? 'there is no such folder' : 'this is a file, not a folder';
  if (isFolder)
    await access(dir, constants.R_OK | constants.X_OK).catch((error: unknown) => {
      throw unreadable(dir, error);
    });
  const runs = isFolder ? await evidenceFolders(dir).catch(() => []) : []; // unreadable parts are left out
  const hint =
    runs.length === 0
      ? 'name the folder that a run left: it says at its end where its evidence is'
      : `name one of the runs in it: ${someText(runs, maxNamed)}`;
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${dir}: ${isFolder ? 'no run left its evidence here: it has no run.json' : missing}`,
    hint,
  );
}
