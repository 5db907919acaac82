import { messageOf } from '../../../core/model/verify-error.js';
import type { FleetHost, FleetRun } from '../../../core/model/fleet.js';
import { failingLeaks, missingProof, type Reported } from '../../../report/reported-leaks.js';
import {
  evidenceFolders,
  type HostFolder,
  type HostRecord,
  readHostRecord,
} from '../../../system/evidence/folder/host-folders.js';
import { checkWhole } from '../evidence/check-whole.js';
import type { WantedSignature } from '../evidence/options.js';
import { combineExitStatuses } from '../../command.js';

const inconclusive = 3;
/** Nobody asks for one. */
const anySignature: WantedSignature = { signers: null, required: false };
/**
 * Statuses of commands that say something of the host; any other (a wrong command line, a signal, a shell's 127) says
 * that nothing is known.
 */
const reports: readonly number[] = [0, 2, 3, 4, 69, 70];

interface ReadRun {
  readonly run: FleetRun | null;
  readonly problems: readonly string[];
}

function lines(reported: readonly Reported[]): readonly string[] {
  return reported.map(({ step, text }) => `step ${step + 1}: ${text}`);
}

/** What is wrong with a folder. Whatever it is, it costs its own host, and hides nothing of another. */
function report(dir: string, error: unknown): string {
  const message = messageOf(error);
  return message.startsWith(dir) ? message : `${dir}: ${message}`;
}

/** Checks and judges one folder of evidence; what is wrong with it is reported, not thrown. */
async function readRun(dir: string, signature: WantedSignature): Promise<ReadRun> {
  try {
    const { wrong, result, rootHash } = await checkWhole(dir, signature);
    const { coverage } = result;
    return {
      run: {
        dir,
        scenario: result.scenario.name,
        verdict: result.verdict,
        exitCode: result.exitCode,
        startedAt: result.run.startedAt,
        rootHash,
        observed: coverage.observed,
        ports: coverage.ports,
        leaks: lines(failingLeaks(result)),
        reasons: lines(missingProof(result)),
      },
      problems: wrong.map(({ name, text }) => `${dir}: ${name}: ${text}`),
    };
  } catch (error) {
    return { run: null, problems: [report(dir, error)] };
  }
}

/** The record of a host and each of its runs; what cannot be read is a problem. */
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
 * All that came back from a host. Evidence that is missing, damaged or without its key is a problem with status 3,
 * unless something worse is known.
 */
export async function readHost(
  { host, dir }: HostFolder,
  signature: WantedSignature = anySignature,
): Promise<FleetHost> {
  if (dir === null)
    return { host, dir: '', status: inconclusive, problems: ['nothing came back from it'], commands: [], runs: [] };
  const { record, read, problems } = await readAll(dir, signature);
  const runs = read.flatMap(({ run }) => (run === null ? [] : [run]));
  const commands = record?.commands ?? [];
  if (record !== null && record.unreachable !== null) problems.push(`unreachable: ${record.unreachable}`);
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
