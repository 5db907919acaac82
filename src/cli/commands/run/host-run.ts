import { createInterface } from 'node:readline/promises';
import type { Plan } from '../../../core/model/plan.js';
import { beyondLimits, type Limits } from '../../../core/plan/limits.js';
import { isRunReady } from '../../../report/word.js';
import type { Result } from '../../../core/model/result.js';
import type { PrecheckNote } from '../../../core/model/run-record.js';
import type { Host, Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { describeNewMacs } from '../../../core/plan/new-macs.js';
import { escapeText } from '../../../core/text/escape.js';
import { connectionsText, hostSummary, precheckText } from '../../../report/terminal/host-summary.js';
import type { Run } from '../../../run/run.js';
import { rootHash } from '../../../system/evidence/folder/custody.js';
import { journalFolder } from '../../../system/fabric/host/journal.js';
import { cleanedText, cleanUp } from '../../../system/fabric/host/undo.js';
import { stopSignals } from '../../../system/fabric/lab/launch.js';
import { writeJournalEntry } from '../../../system/machine/systemd-notify.js';
import { lackingRights } from '../../../core/model/machine.js';
import { processRights } from '../../../system/process/threads.js';
import { guestsFirst } from '../../../system/process/process-rights.js';

/** Without these, helpers would keep more rights than they need. */
const strictRights: readonly string[] = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SYS_CHROOT'];

/** VerifyError (69) if a required capability is missing. */
export function mustHaveRights(isStrict: boolean, { capabilities } = processRights()): void {
  const missing = lackingRights(capabilities).filter(
    ({ name, isNeeded }) => isNeeded || (isStrict && strictRights.includes(name)),
  );
  if (missing.length === 0) return;
  throw new VerifyError(
    'not-root',
    69,
    missing.map(({ name, cost }) => `${name} is missing: ${cost}`).join('; '),
    'a service or a container has to be given it; `verify-isolation doctor` lists the rights of a run',
  );
}

/** Checks rights, cleans up after killed runs, and handles signals. VerifyError (69). */
export async function prepareHostRun(onStop: (signal: NodeJS.Signals) => void, isStrict: boolean): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new VerifyError(
      'not-root',
      69,
      'a run on this host takes root: it listens and sends on its bridge ports',
      'run it with sudo',
    );
  mustHaveRights(isStrict);
  guestsFirst();
  for (const signal of stopSignals) process.on(signal, () => onStop(signal));
  for (const cleaned of await cleanUp(journalFolder())) process.stderr.write(`${cleanedText(cleaned)}\n`);
}

export interface ConsentOptions {
  readonly yes?: boolean;
  readonly quiet: boolean;
  readonly approved?: string | undefined;
  readonly limits?: Limits | null;
  readonly dryRun?: boolean;
  readonly allowNewMacs?: boolean;
}

async function mustConsent(
  { yes, approved }: ConsentOptions,
  question: string,
  nobody: string,
  nothing: string,
): Promise<void> {
  if (yes === true || approved !== undefined) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new VerifyError(
      'not-confirmed',
      64,
      `nobody is at the terminal to say ${nobody}`,
      `say --yes, --policy with limits, or --approved with the SHA-256 of \`plan --hash\`; ${nothing}`,
    );
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await ask.question(`${question} [y/N] `);
  ask.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new VerifyError('not-confirmed', 64, 'not confirmed', nothing);
}

/** Asks before connecting, also for a dry run. VerifyError (64) without consent. */
export function connecting(options: ConsentOptions): (hosts: readonly Host[]) => Promise<void> {
  return async (hosts) => {
    if (!options.quiet) process.stderr.write(`Connects to\n${connectionsText(hosts)}`);
    await mustConsent(
      options,
      'Connect to these?',
      `that ${hosts.map(({ name }) => name).join(', ')} may be connected to`,
      'nobody was connected to',
    );
  };
}

function checkLimits(plan: Plan, limits: Limits): void {
  const beyond = beyondLimits(plan, limits);
  if (beyond.length > 0)
    throw new VerifyError(
      'not-approved',
      64,
      `beyond the limits of --policy: ${beyond.join('; ')}`,
      'narrow the run with --bridge, --guest, --class, --rate or --for, or have the limits raised; nothing was sent',
    );
}

/**
 * Asks before sending: approved hash, limits, `--yes`, or a person at the terminal. VerifyError (64) without consent.
 * `beganMs`: since the program's start, the beginning of this run.
 */
export function approval(
  options: ConsentOptions,
  beganMs: number,
): (plan: Plan, hash: () => string, notes: readonly PrecheckNote[]) => Promise<void> {
  return async (plan, hash, notes) => {
    const unknown = options.allowNewMacs === true ? [] : describeNewMacs(plan);
    if (unknown.length > 0)
      throw new VerifyError(
        'new-macs-not-allowed',
        64,
        unknown
          .map((source) => `${source} would send with a MAC that no guest has, and an uplink may carry it out`)
          .join('\n'),
        '--allow-new-macs lets it; nothing was sent',
      );
    if (options.approved !== undefined && options.approved.toLowerCase() !== hash()) {
      throw new VerifyError(
        'not-approved',
        64,
        `the plan's SHA-256 is ${hash()}, not the one that was approved`,
        '`plan` prints what is to be done now; nothing was sent',
      );
    }
    if (!options.quiet)
      process.stderr.write(`${hostSummary(plan, process.uptime() * 1000 - beganMs)}${precheckText(notes)}`);
    if (options.limits) checkLimits(plan, options.limits);
    if (options.dryRun === true || options.limits) return;
    await mustConsent(options, 'Send this?', 'that this may be sent', 'nothing was sent');
  };
}

/** Writes the folder's root hash into the host's journal, which its owner cannot change later. */
export async function printJournal(result: Result, dir: string, quiet: boolean): Promise<void> {
  const root = await rootHash(dir);
  const { id } = result.run;
  const taken = writeJournalEntry({
    MESSAGE: `verify-isolation: run ${id} of ${result.scenario.name} ended, ${result.verdict}; root hash ${root}`,
    PRIORITY: '5',
    SYSLOG_IDENTIFIER: 'verify-isolation',
    VERIFY_ISOLATION_RUN: id,
    VERIFY_ISOLATION_ROOT_HASH: root,
    VERIFY_ISOLATION_VERDICT: result.verdict,
    VERIFY_ISOLATION_SCENARIO_SHA256: result.scenario.sha256,
  });
  if (!quiet)
    process.stderr.write(
      `root hash ${root}: ${taken ? `in the journal (journalctl VERIFY_ISOLATION_RUN=${id})` : 'this host has no journal to write it into'}\n`,
    );
}

/** A bridge follows a silent querier this long (RFC 3376, 8.5). */
function timesOut({ steps, topology }: Scenario, result: Result): readonly string[] {
  if (!result.steps.some(({ findings }) => findings.some((row) => row.class === 'igmp-query' && (row.sent ?? 0) > 0)))
    return [];
  const queriers = [
    ...new Set(
      steps.flatMap(({ probes }) => probes.flatMap((probe) => (probe.class === 'igmp-query' ? probe.from : []))),
    ),
  ];
  return queriers.map((name) => {
    const bridge = topology.endpoints.find((endpoint) => endpoint.name === name)?.bridge ?? 'the bridge';
    return `ends by itself, 255 s after the query unless mcast_querier_interval says otherwise: ${escapeText(bridge)} takes ${escapeText(name)} for the querier and sends every group to its port`;
  });
}

/** Prints effects that end by themselves, and remains. `result` null = the run failed. */
export function printLeft(
  scenario: Scenario,
  { result, unrestored }: Pick<Run, 'unrestored'> & { readonly result: Result | null },
): void {
  const bridges = scenario.topology.bridges.map(({ name }) => escapeText(name)).join(', ');
  const lines =
    unrestored.length === 0
      ? [`left behind on ${bridges}: nothing (checked)`]
      : [
          `LEFT BEHIND on ${bridges}, see \`verify-isolation cleanup\`:`,
          ...unrestored.map((text) => `  ${escapeText(text)}`),
        ];
  const ending = result === null ? [] : timesOut(scenario, result);
  process.once('exit', () => process.stderr.write(`${[...ending, ...lines].join('\n')}\n`));
}

/** 0 if only sending is missing and every port was observed. */
export function dryRunStatus(result: Result): 0 | 3 {
  return isRunReady(result) ? 0 : 3;
}
