import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chooseEngine } from './capture/choose-engine.js';
import { collate } from './evidence/collate.js';
import { cannotWrite, createFolder, files, writeJson } from './evidence/folder.js';
import { writeSums } from './evidence/hash.js';
import { isWriteFailure, judgeRaw } from './evidence/judge-raw.js';
import { replayFolder } from './evidence/replay.js';
import { openTimeline, type TimelineLog } from './evidence/timeline-log.js';
import type { Inside } from './fabric/lab/enter.js';
import type { StepStates } from './judge/step-states.js';
import { stepFacts } from './judge/step-facts.js';
import type { CalibrationRecord } from './model/calibration.js';
import type { Plan } from './model/plan.js';
import type { ProgressEvent } from './model/progress.js';
import type { Result } from './model/result.js';
import type { RunRecord } from './model/run-record.js';
import { sabotageFigures } from './model/sabotage-figures.js';
import type { Scenario } from './model/scenario.js';
import { makePlan } from './plan/make-plan.js';
import { planHash } from './plan/plan-hash.js';
import { scenarioRecord } from './scenario/scenario-record.js';
import { type Devices, kernelDevices } from './run/devices.js';
import { beginProvenance, completeProvenance, type Declared } from './run/provenance.js';
import { runSteps } from './run/steps.js';
import { topologyOf } from './run/topology.js';

export interface RunOptions {
  /** Folder for the evidence; made if it is not there. */
  readonly outDir: string;
  readonly runId: string;
  /** Where the lab's namespaces are: what `enterLab` said; null = the run is on this host. */
  readonly inside: Inside | null;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly toolVersion: string;
  /** On a host: keep what guests say to each other, whole, instead of the run's own frames' headers. */
  readonly payload?: boolean;
  /** Who is responsible, as declared; for the record. */
  readonly declared?: Declared;
  /** What the act before the run showed; left out = there was none. */
  readonly calibration?: CalibrationRecord;
  /** Looks at the plan before anything is built or sent; throws to refuse. `hash`: what `planHash` says. */
  readonly approve?: (plan: Plan, hash: string) => Promise<void>;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Ends the run early; what was seen until then is kept and judged. */
  readonly signal: AbortSignal;
  /** Left out: the kernel's own. */
  readonly devices?: Devices;
}

export interface Run {
  readonly result: Result;
  readonly plan: Plan;
  readonly dir: string;
  /** What the run could not put back; empty = nothing was left behind. */
  readonly left: readonly string[];
}

/**
 * Carries a scenario out on the wire and judges what was seen. The result is what `replayFolder` says of the folder that
 * the run leaves. Rejects with VerifyError where nothing could be sent or heard at all; never exits.
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Run> {
  const { outDir: dir, inside, onProgress } = options;
  const engine = chooseEngine(options.engine);
  const key = randomBytes(32);
  const topology = await topologyOf(scenario, inside, options.runId);
  const plan = makePlan(topology.scenario, {
    runTag: randomBytes(4).readUInt32BE(), keySha256: createHash('sha256').update(key).digest('hex'), ...topology.found,
  });
  await options.approve?.(plan, planHash(plan));
  let record: RunRecord = {
    runVersion: 1,
    tool: { name: 'verify-isolation', version: options.toolVersion, verdictRules: 1, sabotage: sabotageFigures },
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
  };
  await createFolder(dir);
  await writeJson(dir, files.plan, plan);
  await writeJson(dir, files.run, record);
  const timeline = openTimeline(dir);
  let left: readonly string[] = [];
  const states: StepStates[] = [];
  try {
    onProgress({ kind: 'phase', name: 'building' });
    onProgress({ kind: 'note', text: `${plan.provider} as ${topology.runsAs}, capture with ${record.engine}` });
    const fabric = await topology.open(plan);
    try {
      const devices = options.devices ?? kernelDevices;
      const provenance = await beginProvenance({
        plan, tool: record.tool, engine: engine.name, engineText: record.engine, payload: options.payload ?? false, calibration: options.calibration ?? null,
        declared: options.declared ?? { operator: null, ticket: null }, netns: fabric.observingPlace(plan.bridges[0]?.name ?? '').netns,
      });
      record = { ...record, provenance };
      await writeJson(dir, files.run, record);
      await runSteps({ plan, key, dir, fabric, timeline, states, engine: engine.name, devices, payload: options.payload ?? false, signal: options.signal, onProgress });
    } finally {
      left = await fabric.close();
    }
  } finally {
    timeline.close();
  }
  if (record.provenance !== undefined) record = { ...record, provenance: completeProvenance(record.provenance, plan, timeline.entries, states) };
  const known = record;
  const result = await complete(dir, plan, known, key, timeline, options).catch(async (error: unknown) => {
    if (!isWriteFailure(error)) throw error;
    const read = plan.steps.map((step) => states[step.index] ?? { before: null, after: null });
    return judgeRaw(dir, { plan, run: { ...known, key: key.toString('hex') }, timeline: timeline.entries, states: read });
  });
  return { result, plan, dir, left };
}

/** Collates, reveals the key, judges what the folder holds and writes the result down. */
async function complete(dir: string, plan: Plan, record: RunRecord, key: Uint8Array, timeline: TimelineLog, options: RunOptions): Promise<Result> {
  const { onProgress } = options;
  if (timeline.failure !== null) throw cannotWrite(dir, timeline.failure);
  onProgress({ kind: 'phase', name: 'collating' });
  const counters = stepFacts(plan, timeline.entries).map((facts) => ({ ...facts.lastCounters }));
  const { sha256, packets } = await collate({ dir, plan, key, counters, application: `verify-isolation ${options.toolVersion}` });
  await writeJson(dir, files.run, { ...record, key: Buffer.from(key).toString('hex'), capture: { sha256, packets } });
  onProgress({ kind: 'phase', name: 'judging' });
  const result = await replayFolder(dir);
  await writeJson(dir, files.result, result);
  await writeSums(dir);
  return result;
}
