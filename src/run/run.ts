import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { planWithEars } from '../core/plan/ears.js';
import { framesOfSteps } from '../core/plan/flows/shortcuts.js';
import { planHash } from '../core/plan/hash.js';
import { hostsToConnect, localPart } from '../core/plan/hosts.js';
import type { Plan } from '../core/model/plan.js';
import { hostOf } from '../core/model/host-names.js';
import { type RunRecord, reportForm, sabotageFigures, verdictRules } from '../core/model/run-record.js';
import type { Scenario } from '../core/model/scenario.js';
import { scenarioRecord } from '../core/scenario/scenario-record.js';
import { chooseEngine } from '../system/capture/choose-engine.js';
import type { CollatingWhileRunning } from '../system/evidence/collate-while-running.js';
import { createFolder, files, writeJson } from '../system/evidence/folder/folder.js';
import { openTimeline } from '../system/evidence/folder/timeline-log.js';
import { applicationOf, keepOf, type PreparedRun, type RunOptions } from './context.js';
import { helpersOf } from './devices.js';
import { executeRun } from './execute.js';
import { startGuard } from './guard.js';
import type { HostLook } from './precheck-host.js';
import { concludeRun, type ConcludedRun, loadJudgeEarly } from './result/conclude.js';
import { type PreparedTopology, planOn, topologyOf } from './topology.js';

/** A run's remains. */
export interface Run extends ConcludedRun {
  readonly plan: Plan;
  readonly dir: string;
  /** Empty = nothing was left behind. */
  readonly unrestored: readonly string[];
}

/**
 * Runs a scenario on the wire and judges it, as `replayFolder` would its folder. Rejects with VerifyError if it could
 * not send or hear at all. Never exits.
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Run> {
  const engine = chooseEngine(options.engine);
  const key = randomBytes(32);
  const hosts = hostsToConnect(scenario.topology);
  if (hosts.length > 0) await options.connect?.(hosts);
  if (options.inside === null) await letSettle(scenario, options);
  const topology = await topologyOf(scenario, options.inside, options.runId, options.signal);
  // those of a lab start while it is built
  const helpers = options.helpers ?? helpersOf(topology.openEarly !== null);
  try {
    return await runOn(topology, { scenario, options, engine, key, helpers });
  } catch (error) {
    await topology.abandon();
    throw error;
  } finally {
    helpers.captures.end();
    await helpers.senders.end();
  }
}

/** A guest that has just started sets bridges in motion: no run could conclude then. */
async function letSettle({ topology }: Scenario, { onProgress, signal }: RunOptions): Promise<void> {
  const local = topology.bridges.filter(({ name }) => hostOf(name) === null);
  const [{ waitForSpanningTree }, { namespaceOf }, { readLinks }] = await Promise.all([
    import('../system/fabric/wait.js'),
    import('../system/fabric/host/find.js'),
    import('../system/state/read.js'),
  ]);
  const netns = namespaceOf(local);
  await waitForSpanningTree({
    readLinks: () => readLinks({ netns, sysfs: false }),
    bridges: local.map(({ name }) => name),
    note: (text) => onProgress({ kind: 'note', text }),
    signal,
  });
}

async function runOn(
  topology: PreparedTopology,
  prepared: Pick<PreparedRun, 'scenario' | 'options' | 'engine' | 'key' | 'helpers'>,
): Promise<Run> {
  const { scenario, options, key } = prepared;
  for (const text of topology.hostTopology?.notes ?? []) options.onProgress({ kind: 'note', text });
  const { plan, opening } = await planOn(topology, key, options.lingerMs ?? 0);
  const look = options.inside === null ? await lookAtHost(plan, topology) : { notes: [], keepers: null };
  const hash = (): string => planHash(plan, { files: scenario.files, toolVersion: options.toolVersion });
  await options.approve?.(plan, hash, look.notes);
  // What is to happen in the middle may well make guests drop frames: that is then no reason to stop.
  const isGuarded = options.inside === null && plan.steps.every(({ during }) => during.length === 0);
  const guard = isGuarded ? await startGuard(plan, topology.netns, topology.watched) : null;
  const streaming = await streamingOf(plan, key, options);
  try {
    const calibration = await calibrate(prepared);
    return await carryOut({ ...prepared, topology, plan, opening, look, guard, streaming, calibration });
  } finally {
    await opening?.then(
      (fabric) => fabric.close(),
      () => undefined,
    ); // where it did not come to that
    guard?.stop();
    await streaming?.stop();
  }
}

async function carryOut(run: PreparedRun): Promise<Run> {
  const { plan, key, streaming, options } = run;
  const dir = options.outDir;
  const begun = beginRecord(run);
  await createFolder(dir);
  const planText = await writeJson(dir, files.plan.name, plan);
  const planFile = { plan, sha256: createHash('sha256').update(planText).digest('hex') };
  await writeJson(dir, files.run.name, begun);
  const timeline = openTimeline(dir, (entry) => {
    streaming?.hear(entry);
    // late frames are waited for now
    if (apart === null && entry.event === 'probing' && entry.state === 'ended') loadJudgeEarly();
  });
  // In a lab nobody sends but its own guests, and another process would make a small run slower by a tenth.
  const apart = plan.provider === 'host' ? (await import('./result/judge-apart.js')).judgeApart(dir) : null;
  try {
    const { record, states, trace, unrestored } = await executeRun(run, begun, timeline);
    run.guard?.stop();
    const completePlan = planWithEars(plan, timeline.entries);
    const ended = { dir, plan: completePlan, planFile, record, key, timeline, streaming, options, states, trace };
    const judged = await concludeRun(ended, apart);
    return { ...judged, plan, dir, unrestored };
  } finally {
    apart?.stop(); // as long as it lives this process does
  }
}

function beginRecord({ scenario, engine, topology, plan, look, options }: PreparedRun): RunRecord {
  return {
    runVersion: 1,
    reportForm,
    tool: {
      name: 'verify-isolation',
      version: options.toolVersion,
      verdictRules,
      sabotage: sabotageFigures,
    },
    id: options.runId,
    startedAt: new Date().toISOString(),
    scenario: scenarioRecord(scenario),
    provider: plan.provider,
    runsAs: topology.runsAs,
    engine: `${engine.name} (${engine.version})`,
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    node: process.versions.node,
    key: null,
    capture: null,
    ...(plan.provider === 'lab' ? {} : { precheck: look.notes }),
    ...(look.keepers === null ? {} : { keepers: look.keepers }),
  };
}

async function calibrate({
  options,
  engine,
}: Pick<PreparedRun, 'options' | 'engine'>): Promise<PreparedRun['calibration']> {
  if (options.calibrate === undefined) return null;
  options.onProgress({ kind: 'note', text: 'calibrating: a leak is planted in a lab on this kernel' });
  return options.calibrate(engine.name, options.outDir);
}

/** Loads no parsers of managers' files for a lab. */
async function lookAtHost(plan: Plan, { netns }: PreparedTopology): Promise<HostLook> {
  const { precheckHost } = await import('./precheck-host.js');
  return precheckHost(localPart(plan), netns);
}

/** A thread then orders and counts growing captures, within the run's waits. On a host guests need the processor. */
const manyFrames = 5000;

async function streamingOf(plan: Plan, key: Uint8Array, options: RunOptions): Promise<CollatingWhileRunning | null> {
  if (plan.provider !== 'lab' || plan.hosts !== undefined || framesOfSteps(plan.steps) < manyFrames) return null;
  const { collateWhileRunning } = await import('../system/evidence/collate-while-running.js');
  return collateWhileRunning(plan, {
    dir: options.outDir,
    key,
    keep: keepOf(options, plan),
    application: applicationOf(options.toolVersion),
    clocks: new Map(),
    // It is given up where an engine other than the ring listens, which knows every direction.
    inferred: plan.steps.map(() => new Set<string>()),
  });
}
