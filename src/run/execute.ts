import type { Fabric } from '../core/model/fabric.js';
import type { RunRecord } from '../core/model/run-record.js';
import type { StepStates } from '../core/model/state.js';
import type { TraceLine } from '../core/model/timeline.js';
import { startCapture } from '../system/capture/client.js';
import { files, writeJson } from '../system/evidence/folder/folder.js';
import type { TimelineLog } from '../system/evidence/folder/timeline-log.js';
import type { PreparedRun, StepTraces } from './context.js';
import { type Devices, muted } from './devices.js';
import { beginProvenance, completeProvenance } from './provenance.js';
import { runSteps } from './step.js';
import { stepTraces } from './trace-steps.js';

/** A run whose fabric is closed. */
export interface ExecutedRun {
  readonly record: RunRecord;
  /** Read before and after each step. */
  readonly states: readonly StepStates[];
  /** Empty = no step was traced. */
  readonly trace: readonly TraceLine[];
  readonly unrestored: readonly string[];
}

/** Builds the fabric, runs the steps and closes all. The timeline is always closed. */
export async function executeRun(run: PreparedRun, begun: RunRecord, timeline: TimelineLog): Promise<ExecutedRun> {
  try {
    const { record, states, trace, unrestored } = await buildAndRun(run, begun, timeline);
    return {
      record: endedRecord({ ...record, timeline: { entries: timeline.entries.length } }, run, timeline, states),
      states: run.plan.steps.map((step) => states[step.index] ?? { before: null, after: null }),
      trace,
      unrestored,
    };
  } finally {
    timeline.close();
  }
}

async function buildAndRun(run: PreparedRun, begun: RunRecord, timeline: TimelineLog): Promise<ExecutedRun> {
  const { plan, topology, opening, scenario, options, helpers } = run;
  options.onProgress({ kind: 'phase', name: 'building' });
  options.onProgress({ kind: 'note', text: `${plan.provider} as ${topology.runsAs}, capture with ${begun.engine}` });
  // In a lab of one host the machine and the program are read while the fabric is built and the first step gets ready.
  const isAlone = plan.provider === 'lab' && scenario.topology.hosts === undefined;
  const early = isAlone ? provenanceIn(run, begun, null) : null;
  early?.catch(() => undefined); // thrown where it is awaited
  const fabric = await (opening ?? topology.open(plan));
  const states: StepStates[] = [];
  let record = begun;
  let unrestored: readonly string[] = [];
  const traces = stepTraces(options.outDir, options.trace ?? 'off');
  try {
    const here = fabric.observingPlace(plan.bridges[0]?.name ?? '');
    const reading = early ?? provenanceIn(run, begun, here.host === undefined ? here.netns : null);
    const recorded = reading.then(async (provenance) => {
      record = { ...begun, ...(run.guard === null ? {} : { guard: run.guard.arm() }), provenance };
      await writeJson(options.outDir, files.run.name, record);
    });
    recorded.catch(() => undefined); // thrown where it is awaited
    if (early === null) await recorded;
    await carryOutSteps(run, fabric, timeline, { states, traces });
    await recorded;
  } finally {
    traces?.close();
    helpers.captures.end();
    await helpers.senders.end();
    unrestored = await fabric.close();
    run.options.onClosed?.(unrestored);
  }
  return { record, states, trace: traces?.lines ?? [], unrestored };
}

/** Fills `states`, so that they exist if a step throws. */
async function carryOutSteps(
  { plan, key, engine, topology, guard, options, helpers: { captures, senders } }: PreparedRun,
  fabric: Fabric,
  timeline: TimelineLog,
  { states, traces }: { readonly states: StepStates[]; readonly traces: StepTraces | null },
): Promise<void> {
  const kernel: Devices = {
    // what does not say whom it listens at, as ears, has a helper of its own: one helper rests from step to step
    startCapture: (capture) => (capture.observers === undefined ? startCapture(capture) : captures.start(capture)),
    startSender: senders.start,
  };
  const devices = options.alter?.(kernel) ?? kernel;
  await runSteps({
    plan,
    key,
    dir: options.outDir,
    fabric,
    timeline,
    states,
    engine: engine.name,
    devices: options.dryRun === true ? muted(devices) : devices,
    remotes: topology.remotes,
    payload: options.payload ?? false,
    isDryRun: options.dryRun ?? false,
    traces,
    signal: guard === null ? options.signal : AbortSignal.any([options.signal, guard.signal]),
    onProgress: options.onProgress,
  });
}

function provenanceIn(
  { plan, engine, calibration, options }: PreparedRun,
  { tool, engine: engineText }: RunRecord,
  netns: string | null,
): ReturnType<typeof beginProvenance> {
  return beginProvenance({
    plan,
    tool,
    engine: engine.name,
    engineText,
    payload: options.payload ?? false,
    calibration,
    declared: options.declared ?? { operator: null, ticket: null },
    netns,
  });
}

function endedRecord(
  record: RunRecord,
  { plan }: PreparedRun,
  { entries }: TimelineLog,
  states: readonly StepStates[],
): RunRecord {
  return record.provenance === undefined
    ? record
    : { ...record, provenance: completeProvenance(record.provenance, plan, entries, states) };
}
