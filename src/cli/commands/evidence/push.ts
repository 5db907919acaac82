import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf, VerifyError, usageError } from '../../../core/model/verify-error.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { someText } from '../../../core/text/names.js';
import type { ReportedRun } from '../../../report/reporter.js';
import { rootHash } from '../../../system/evidence/folder/custody.js';
import { insideLab } from '../../../system/fabric/lab/launch.js';
import { packagePath } from '../../../system/process/package-path.js';
import { keepOnly } from '../../../system/process/process-rights.js';
import { command, flagArgument, operand, textArgument } from '../../command.js';

const maxReasons = 5;

const pushVariable = 'VERIFY_ISOLATION_PUSH';

export interface PushOptions {
  readonly push?: string | undefined;
  readonly spool?: string | undefined;
  readonly sign?: string | undefined;
  readonly quiet: boolean;
  readonly dryRun?: boolean;
  /** `HostSummary.asked` is the hash of these words. */
  readonly asked?: string | undefined;
}

const signKeyOf = ({ sign }: PushOptions): string | null => sign ?? process.env['VERIFY_ISOLATION_SIGN_KEY'] ?? null;

function spoolOf({ push, spool, dryRun }: PushOptions): string | null {
  return dryRun === true || (push === undefined && spool === undefined) ? null : (spool ?? 'spool');
}

/** A summary's path; null = none is written. */
export function spoolFile(options: PushOptions): { readonly path: string | null } {
  const spool = spoolOf(options);
  return { path: spool === null ? null : join(spool, 'summary') };
}

/** The key that signs a summary; null = none is written. */
export function spoolKey(options: PushOptions): string | null {
  return spoolOf(options) === null ? null : signKeyOf(options);
}

/** VerifyError (64) for a wrong address or a missing key. */
export async function checkPush(options: PushOptions): Promise<void> {
  if (spoolOf(options) === null) return;
  if (options.push !== undefined) (await import('../../../system/evidence/push.js')).pushUrl('--push', options.push);
  if (signKeyOf(options) !== null) return;
  throw usageError(
    `${options.push === undefined ? '--spool' : '--push'}: a summary is signed, and no key is named`,
    "name one with --sign or VERIFY_ISOLATION_SIGN_KEY: ssh-keygen -t ed25519 -N '' -f /etc/verify-isolation/key makes one",
  );
}

export interface EndedCommand {
  readonly exitCode: number;
  readonly runs: readonly ReportedRun[];
  readonly unended: number;
}

const pushedErrors = new WeakSet<VerifyError>();

/** Writes a command's summary into the spool. Evidence and exit status stay. */
export async function spoolRuns(options: PushOptions, { exitCode, runs, unended }: EndedCommand): Promise<void> {
  const [spool, key] = [spoolOf(options), signKeyOf(options)];
  if (spool === null || key === null) return;
  const [{ spoolSummary }, { hashHere }, { runSummary }] = await Promise.all([
    import('../../../system/evidence/push.js'),
    import('../../../system/machine/read-machine.js'),
    import('../../../report/machine/summary.js'),
  ]);
  try {
    const summaries = await Promise.all(
      runs.map(async ({ result, dir, status }) => ({
        ...runSummary(result),
        exitCode: status ?? result.exitCode,
        rootHash: dir === null ? null : await rootHash(dir).catch(() => null),
        dir: dir === null ? null : resolve(dir),
      })),
    );
    await spoolSummary(
      { exitCode, runs: summaries, unended, asked: hashHere(options.asked ?? '') },
      spool,
      key,
      new Date(),
    );
  } catch (error) {
    printTrouble(`the summary of this run was not written to ${spool}: ${messageOf(error)}`, 'the run stands as it is');
  }
}

/** Writes and delivers a refused command's summary once. */
export async function pushRefusal(options: PushOptions, error: VerifyError): Promise<void> {
  if (pushedErrors.has(error)) return;
  pushedErrors.add(error);
  await spoolRuns(options, { exitCode: error.exitCode, runs: [], unended: 1 });
  await deliverRuns(options);
}

function printTrouble(what: string, hint: string): void {
  process.stderr.write(`verify-isolation: ${escapeText(what)}\n  ${escapeText(hint)}\n`);
}

/**
 * Delivers the spool and prints errors. It reads a receiver's answers, so a process without rights does it. A lab has
 * no network for it.
 */
export async function deliverRuns(options: PushOptions): Promise<void> {
  try {
    await deliverApart(options);
  } catch (error) {
    printTrouble(`no summary was delivered: ${messageOf(error)}`, 'the run stands as it is');
  }
}

async function deliverApart(options: PushOptions): Promise<void> {
  const { push, quiet } = options;
  const spool = spoolOf(options);
  if (push === undefined || spool === null || insideLab()) return;
  const owner = statSync(spool, { throwIfNoEntry: false });
  if (owner === undefined) return;
  const become = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
  const without = process.geteuid?.() === 0 ? ['setpriv', ...become, ...keepOnly([]), '--'] : [];
  const command = [process.execPath, packagePath('dist/cli.cjs'), 'push', spool, ...(quiet ? ['--quiet'] : [])];
  const [program = '', ...words] = [...without, ...command];
  await new Promise<void>((resolveEnd) => {
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, [pushVariable]: push },
    });
    child.once('error', (error) => {
      printTrouble(`the summary stays in ${spool}: ${messageOf(error)}`, `deliver it with: verify-isolation push`);
      resolveEnd();
    });
    child.once('close', () => resolveEnd());
  });
}

async function pushCommand(dir: string, to: string | undefined, quiet: boolean): Promise<number> {
  const { deliverSpool, pushUrl, refusedBound } = await import('../../../system/evidence/push.js');
  const address = to ?? process.env[pushVariable];
  if (address === undefined) throw usageError('push: no receiver is named', `name one with --to or ${pushVariable}`);
  const url = pushUrl(to === undefined ? pushVariable : '--to', address);
  const { delivered, kept, refused, reasons } = await deliverSpool(dir, url);
  // A password or token in the address is not repeated
  const receiver = url.origin;
  const most = `the newest ${refusedBound.count} of ${refusedBound.days} days stay`;
  const removed = refused.removed === 0 ? [] : [`removed from ${refused.dir}, where ${most}: ${refused.removed}`];
  if (reasons.length > 0) {
    const why = someText(reasons, maxReasons);
    const stay = kept === 0 ? [] : [`${counted(kept, 'summary stays', 'summaries stay')} in ${dir}`];
    const moved = refused.count === 0 ? [] : [`refused for good, in ${refused.dir}: ${refused.count}`];
    const later = `the next run --push, or push ${dir}, delivers ${kept === 1 ? 'it' : 'them'}`;
    throw new VerifyError(
      'not-pushed',
      69,
      `${receiver}: ${[why, ...stay, ...moved, ...removed].join('; ')}`,
      kept > 0 ? later : `once the receiver takes what it refused: push ${refused.dir}`,
    );
  }
  if (quiet) return 0;
  const done =
    delivered === 0
      ? `no summary waits in ${dir}`
      : `delivered ${counted(delivered, 'summary', 'summaries')} to ${receiver}`;
  process.stderr.write(`${escapeText([done, ...removed].join('; '))}\n`);
  return 0;
}

export const definePush = command(
  'push <dir>',
  'deliver the summaries of runs that wait in a spool folder',
  (parser) =>
    parser.positional('dir', operand('spool folder, as run --spool names it')).options({
      to: textArgument(`address of the receiver, http or https (default: ${pushVariable})`),
      quiet: flagArgument('print errors alone'),
    }),
  ({ dir, to, quiet }) => pushCommand(dir, to, quiet),
);
