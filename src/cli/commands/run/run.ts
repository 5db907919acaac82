import { randomBytes } from 'node:crypto';
import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { insideLab, launchInside, statusOf } from '../../../system/fabric/lab/launch.js';
import { shedRights } from '../../../system/process/process-rights.js';
import { combineExitStatuses } from '../exit-status.js';
import { chooseReporters, printFailedReports, writeAnswerToLog, writeReports } from '../reporters.js';
import { grepSteps, inSeries, parseSets } from '../scenario/series.js';
import { checkBaselines, loadBaselines } from './baseline.js';
import { type RunCommandOptions, runInSeries, type SeriesDone, Stop } from './series-run.js';

/**
 * Loads every file, goes into the lab's namespaces, runs one scenario after the other and reports; returns the exit
 * status. Outside it only loads and launches: the inside is handed the scenarios and does the rest, and its exit status
 * is the program's.
 */
export async function runCommand(options: RunCommandOptions): Promise<number> {
  const chosen = chooseReporters(options.reporter, options.json);
  const stop = new Stop(options.timeout);
  const inside = insideLab() ? (await import('../../../system/fabric/lab/enter.js')).enterLab(stop.byProcess) : null;
  const handed = await inside?.handed;
  const scenarios = areScenarios(handed) ? handed : await readyScenarios(options);
  const baselines = await baselinesFor(scenarios, options);
  const onHost = isOnHost(scenarios, options);
  if (inside === null && !onHost) return (await launchInside(process.argv.slice(2), { handed: scenarios })).status;
  if (onHost) {
    shedRights([options.out ?? 'evidence', ...chosen.flatMap(({ path }) => path ?? [])]);
    const { prepareHostRun } = await import('./host-run.js');
    await prepareHostRun(stop.byProcess);
  }
  const series = seriesOf(scenarios, options);
  const done: SeriesDone = { runs: [], failed: [], unsigned: [] };
  stop.startTimer();
  try {
    for (const scenario of series) {
      if (stop.signal.aborted) break;
      await runInSeries(scenario, { options, inside, onHost, baselines, several: series.length > 1, stop }, done);
    }
  } catch (error) {
    if (stop.by === undefined && !stop.timedOut) throw error;
  } finally {
    stop.stopTimer();
  }
  return concludeSeries(options, chosen, done, stop, series.length);
}

async function baselinesFor(
  scenarios: readonly Scenario[],
  { baseline = [] }: RunCommandOptions,
): ReturnType<typeof loadBaselines> {
  const baselines = await loadBaselines(baseline);
  const names = scenarios.map(({ name }) => name);
  checkBaselines(baselines, names);
  return baselines;
}

/** Whether the runs are on a host; a lab is not rehearsed: VerifyError (64). */
function isOnHost([first]: readonly Scenario[], { rehearse }: RunCommandOptions): boolean {
  const onHost = first?.topology.provider === 'host';
  if (rehearse === true && !onHost)
    throw new VerifyError('usage', 64, '--dry-run is for provider: host', 'a lab disturbs nobody: just run it');
  return onHost;
}

/** The scenarios in the order, and as often, as they are run. */
function seriesOf(
  scenarios: readonly Scenario[],
  { shuffle, quiet, repeat = 1 }: RunCommandOptions,
): readonly Scenario[] {
  const seed = shuffle === true ? randomBytes(4).readUInt32BE() : (shuffle ?? null);
  if (seed !== null && !quiet) process.stderr.write(`order of the runs drawn from --shuffle=${seed}\n`);
  return inSeries(scenarios, repeat, seed);
}

/** Reports what was done and says what stopped it; gives the exit status. */
async function concludeSeries(
  options: RunCommandOptions,
  chosen: ReturnType<typeof chooseReporters>,
  { runs, failed, unsigned }: SeriesDone,
  stop: Stop,
  planned: number,
): Promise<number> {
  const statuses = [...runs.map(({ result, status }) => status ?? result.exitCode), ...unsigned];
  const status = combineExitStatuses(stop.timedOut ? [...statuses, inconclusiveStatus] : statuses);
  const { picture = false, verbose } = options;
  if (runs.length > 0) {
    const brief = stop.by !== undefined;
    failed.push(...(await writeReports(chosen, runs, { verbose, picture, status, brief })));
  }
  // Where stdout is for a machine, the log has the answer for people.
  const isForMachine = !chosen.some(({ name, path }) => name === 'terminal' && path === null);
  if (runs.length > 0 && isForMachine && !options.quiet && stop.by === undefined && options.progress !== 'json')
    await writeAnswerToLog(runs, status, picture);
  const reportStatuses = printFailedReports(failed);
  for (const run of runs) await options.finished?.(run);
  if (stop.by !== undefined) {
    process.stderr.write(`stopped by ${stop.by}: everything is put back, and what was seen is kept\n`);
    return statusOf(stop.by);
  }
  if (stop.timedOut)
    process.stderr.write(
      `stopped by --timeout ${options.timeout}: ${runs.length} of ${planned} runs begun; everything is put back, and what was seen is kept\n`,
    );
  return combineExitStatuses([status, ...reportStatuses]);
}

/** The scenarios of every file, as they are to be run. Rejects with VerifyError (64, 69). */
async function readyScenarios(options: RunCommandOptions): Promise<readonly Scenario[]> {
  const [{ loadFiles }, { checkRunnable }] = await Promise.all([
    import('../scenario/load-files.js'),
    import('./check-runnable.js'),
  ]);
  const loaded = grepSteps(
    await loadFiles(options.files, { sets: parseSets(options.set ?? []), allowRun: options.allowRun }),
    options.grep,
  );
  const adapted = options.adapt === undefined ? loaded : loaded.map(options.adapt);
  const scenarios = options.strict === true ? adapted.map(strictly) : adapted;
  checkRunnable(scenarios, options);
  return scenarios;
}

/** The same without anything that is open by design; a guest that is only observed is missing from the proof. */
function strictly(scenario: Scenario): Scenario {
  const { topology } = scenario;
  return {
    ...scenario,
    topology: {
      ...topology,
      endpoints: topology.endpoints.map((endpoint) =>
        endpoint.observedOnly === undefined ? endpoint : { ...endpoint, observedOnly: 'missing' },
      ),
    },
    steps: scenario.steps.map((step) => ({
      ...step,
      probes: step.probes.map(({ openByDesign: _, ...probe }) => probe),
    })),
  };
}

/** Whether the launcher, which is this same program, has handed over what it loaded. */
function areScenarios(handed: unknown): handed is readonly Scenario[] {
  return Array.isArray(handed);
}

/** The contract's exit status of a run that was not done. */
const inconclusiveStatus = 3;
