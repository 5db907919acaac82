import type { FleetHost, FleetRun } from '../../../core/model/fleet.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { failingLeaks, missingProof, type Told } from '../../../report/told-leaks.js';
import { checkFolder } from '../../../system/evidence/check-folder.js';
import {
  evidenceFolders,
  type HostFolder,
  type HostRecord,
  readHostRecord,
} from '../../../system/evidence/folder/host-folders.js';
import { combineExitStatuses } from '../exit-status.js';

const inconclusive = 3;
/**
 * Statuses of commands that say something of the host; any other (a wrong command line, a signal, a shell's 127) says
 * that nothing is known.
 */
const telling: readonly number[] = [0, 2, 3, 4, 69, 70];

interface ReadRun {
  readonly run: FleetRun | null;
  readonly problems: readonly string[];
}

function lines(told: readonly Told[]): readonly string[] {
  return told.map(({ step, text }) => `step ${step + 1}: ${text}`);
}

/** Checks and judges one folder of evidence; what is wrong with it is told, not thrown. */
async function readRun(dir: string): Promise<ReadRun> {
  try {
    const { checks, result, rootHash } = await checkFolder(dir, null);
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
      problems: checks.filter(({ ok }) => ok === false).map(({ name, text }) => `${dir}: ${name}: ${text}`),
    };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return { run: null, problems: [error.message.startsWith(dir) ? error.message : `${dir}: ${error.message}`] };
  }
}

/**
 * All that came back from a host. Evidence that is missing, damaged or without its key is a problem with status 3,
 * unless something worse is known.
 */
export async function readHost({ host, dir }: HostFolder): Promise<FleetHost> {
  if (dir === null)
    return { host, dir: '', status: inconclusive, problems: ['nothing came back from it'], commands: [], runs: [] };
  const problems: string[] = [];
  let record: HostRecord | null = null;
  try {
    record = await readHostRecord(dir);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    problems.push(error.message);
  }
  const read: ReadRun[] = [];
  for (const folder of await evidenceFolders(dir)) read.push(await readRun(folder));
  const runs = read.flatMap(({ run }) => (run === null ? [] : [run]));
  const commands = record?.commands ?? [];
  if (record !== null && record.unreachable !== null) problems.push(`unreachable: ${record.unreachable}`);
  else if (read.length === 0) problems.push(`${dir}: there is no evidence of a run`);
  problems.push(...read.flatMap((one) => one.problems));
  for (const { name, status, text } of commands)
    if (status > 4 || status === 1)
      problems.push(`${name} ended with status ${status}${text === '' ? '' : `: ${text}`}`);
  const statuses = [
    ...runs.map(({ exitCode }) => exitCode),
    ...commands.map(({ status }) => (telling.includes(status) ? status : inconclusive)),
    ...(problems.length === 0 ? [] : [inconclusive]),
  ];
  return { host, dir, status: combineExitStatuses(statuses), problems, commands, runs };
}
