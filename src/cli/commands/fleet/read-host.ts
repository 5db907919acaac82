import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../core/model/verify-error.js';
import { counted } from '../../../core/text/escape.js';
import type { FleetHost, FleetRun, HostSummary } from '../../../core/model/fleet.js';
import { runSummary } from '../../../report/machine/summary.js';
import { failingLeaks, missingProof, type Reported } from '../../../report/reported-leaks.js';
import { files } from '../../../system/evidence/folder/folder.js';
import {
  evidenceFolders,
  type HostFolder,
  type HostRecord,
  readHostRecord,
} from '../../../system/evidence/folder/host-folders.js';
import { checkSummary } from '../../../system/evidence/push.js';
import { checkWhole } from '../evidence/check-whole.js';
import type { WantedSignature } from '../evidence/options.js';
import { combineExitStatuses } from '../../command.js';

const inconclusive = 3;
const maxLines = 50;

/** The required signature: `file` null = any key; `identity` null = the host's name. */
export interface FleetSignature {
  readonly file: string | null;
  readonly identity: string | null;
  readonly required: boolean;
}

const anySignature: FleetSignature = { file: null, identity: null, required: false };

const oneLine = (text: string): string => text.trim().replaceAll(/\s*[\r\n]+\s*/g, ' · ');
/** Other statuses (a wrong command line, a signal) say nothing about the host. */
const reports: readonly number[] = [0, 2, 3, 4, 69, 70];

interface ReadRun {
  readonly run: FleetRun | null;
  readonly problems: readonly string[];
}

function lines(reported: readonly Reported[]): readonly string[] {
  const first = reported.slice(0, maxLines).map(({ step, text }) => oneLine(`step ${step + 1}: ${text}`));
  return reported.length > maxLines ? [...first, `and ${reported.length - maxLines} more`] : first;
}

function report(dir: string, error: unknown): string {
  const message = oneLine(messageOf(error));
  return message.startsWith(dir) ? message : `${dir}: ${message}`;
}

async function readRun(dir: string, signature: WantedSignature): Promise<ReadRun> {
  try {
    const { wrong, result, rootHash } = await checkWhole(dir, signature);
    const page = join(dir, files.report.name);
    return {
      run: {
        ...runSummary(result),
        dir,
        rootHash,
        page: existsSync(page) ? page : null,
        leaks: lines(failingLeaks(result)),
        reasons: lines(missingProof(result)),
      },
      problems: wrong.map(({ name, text }) => oneLine(`${dir}: ${name}: ${text}`)),
    };
  } catch (error) {
    return { run: null, problems: [report(dir, error)] };
  }
}

async function readAll(
  dir: string,
  signature: WantedSignature,
): Promise<{ readonly record: HostRecord | null; readonly read: readonly ReadRun[]; readonly problems: string[] }> {
  const problems: string[] = [];
  const read: ReadRun[] = [];
  let record: HostRecord | null = null;
  try {
    record = await readHostRecord(dir);
  } catch (error) {
    problems.push(report(dir, error));
  }
  try {
    for (const folder of await evidenceFolders(dir)) read.push(await readRun(folder, signature));
  } catch (error) {
    problems.push(report(dir, error));
  }
  return { record, read, problems };
}

/**
 * A host's results. Missing or damaged evidence, or a missing key, is a problem with status 3, unless something worse
 * is known.
 */
export async function readHost({ host, dir }: HostFolder, wanted: FleetSignature = anySignature): Promise<FleetHost> {
  if (dir === null)
    return { host, dir: '', status: inconclusive, problems: ['nothing came back from it'], commands: [], runs: [] };
  const { file, identity, required } = wanted;
  const signers = file === null ? null : { file, identity: identity ?? host };
  const { record, read, problems } = await readAll(dir, { signers, required });
  const runs = read.flatMap(({ run }) => (run === null ? [] : [run]));
  const commands = (record?.commands ?? []).map(({ text, ...command }) => ({ ...command, text: oneLine(text) }));
  if (record !== null && record.unreachable !== null) problems.push(`unreachable: ${oneLine(record.unreachable)}`);
  else if (read.length === 0) problems.push(`${dir}: there is no evidence of a run`);
  problems.push(...read.flatMap((answer) => answer.problems));
  for (const { name, status, text } of commands)
    if (status > 4 || status === 1)
      problems.push(`${name} ended with status ${status}${text === '' ? '' : `: ${text}`}`);
  const statuses = [
    ...runs.map(({ exitCode }) => exitCode),
    ...commands.map(({ status }) => (reports.includes(status) ? status : inconclusive)),
    ...(problems.length === 0 ? [] : [inconclusive]),
  ];
  return { host, dir, status: combineExitStatuses(statuses), problems, commands, runs };
}

/** A summary with its signature, not yet verified. */
export interface PushedSummary {
  readonly path: string;
  readonly summary: HostSummary;
  readonly signer: string;
}

function isSuperseded({ unended }: HostSummary, newer: readonly HostSummary[]): boolean {
  return newer.length > 0 && (unended > 0 || newer.some((summary) => summary.unended === 0));
}

interface ChosenSummaries {
  readonly commands: readonly (readonly HostSummary[])[];
  readonly signers: ReadonlySet<string>;
  readonly problems: readonly string[];
}

async function chooseSummaries(
  host: string,
  pushed: readonly PushedSummary[],
  wanted: FleetSignature,
  newestMs: number,
): Promise<ChosenSummaries> {
  const newestFirst = [...pushed].sort((a, b) => Date.parse(b.summary.at) - Date.parse(a.summary.at));
  const chosen = new Map<string, HostSummary[]>();
  const signers = new Set<string>();
  const problems: string[] = [];
  for (const { path, summary, signer } of newestFirst) {
    const key = JSON.stringify([wanted.file === null ? signer : null, summary.asked]);
    const newer = chosen.get(key) ?? [];
    if (isSuperseded(summary, newer)) continue;
    const isEarly = Date.parse(summary.at) > newestMs;
    const why = isEarly ? `${summary.at} is in the future` : await signatureFault(path, host, wanted);
    if (why !== null) {
      problems.push(`${path}: ${oneLine(why)}`);
      continue;
    }
    chosen.set(key, [...newer, summary]);
    signers.add(signer);
  }
  return { commands: [...chosen.values()], signers, problems };
}

/**
 * A host by its pushed summaries: each command's newest with the required signature, and its newest complete one.
 * Problems: a newer one signed otherwise, one after `newestMs`, none since `oldestMs`. With any key accepted, each
 * key's newest counts, and several are a problem.
 */
export async function readPushed(
  host: string,
  pushed: readonly PushedSummary[],
  wanted: FleetSignature,
  { oldestMs, newestMs }: { readonly oldestMs: number; readonly newestMs: number },
): Promise<FleetHost> {
  const { commands, signers, problems: found } = await chooseSummaries(host, pushed, wanted, newestMs);
  const problems = [...found];
  if (wanted.file === null && signers.size > 1)
    problems.push(`${signers.size} keys sign summaries under this name: --allowed-signers says which is right`);
  const runs: FleetRun[] = [];
  const statuses: number[] = [];
  for (const [newer, { at, exitCode, unended, ...summary }] of commands.flatMap((of) => [...of.entries()])) {
    if (newer === 0 && Date.parse(at) < oldestMs) problems.push(`its last summary is of ${at}`);
    if (unended > 0) problems.push(`${counted(unended, 'run')} came to no result at ${at}: exit status ${exitCode}`);
    // A run that ended before its command was stopped counts too
    for (const status of [exitCode, ...summary.runs.map((run) => run.exitCode)])
      statuses.push(reports.includes(status) ? status : inconclusive);
    runs.push(...summary.runs.map((run) => ({ ...run, dir: run.dir ?? '', page: null, leaks: [], reasons: [] })));
  }
  if (problems.length > 0 || commands.length === 0) statuses.push(inconclusive);
  return { host, dir: '', status: combineExitStatuses(statuses), problems, commands: [], runs };
}

async function signatureFault(path: string, host: string, wanted: FleetSignature): Promise<string | null> {
  const { file, identity } = wanted;
  const signers = file === null ? null : { file, identity: identity ?? host };
  const { state, text } = await checkSummary(path, signers);
  return state === 'bad' ? `signature: ${text}` : null;
}
