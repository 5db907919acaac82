import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { JudgeInput } from '../core/judge/judge.js';
import { stepFacts } from '../core/judge/proof/step-facts.js';
import type { Fabric } from '../core/model/fabric.js';
import type { Plan } from '../core/model/plan.js';
import type { ProgressEvent } from '../core/model/progress.js';
import { type CalibrationRecord, currentRules } from '../core/model/provenance.js';
import type { Result } from '../core/model/result.js';
import { type PrecheckNote, type RunRecord, sabotageFigures } from '../core/model/run-record.js';
import type { Host, Scenario } from '../core/model/scenario.js';
import type { StepStates } from '../core/model/state.js';
import { framesOfStep } from '../core/plan/flows/shortcuts.js';
import { planHash } from '../core/plan/hash.js';
import { localPart } from '../core/plan/hosts.js';
import { planWithEars } from '../core/plan/ears.js';
import { scenarioRecord } from '../core/scenario/scenario-record.js';
import { hostsToConnect } from '../core/scenario/topology/read-hosts.js';
import { chooseEngine } from '../system/capture/choose-engine.js';
import { keepCapture } from '../system/capture/keep-capture.js';
import type { CollateInput } from '../system/evidence/collate/collate.js';
import type { CollatingWhileRunning } from '../system/evidence/collate-while-running.js';
import { cannotWrite, createFolder, files, writeJson } from '../system/evidence/folder/folder.js';
import { clockOffsets, openTimeline, type TimelineLog } from '../system/evidence/folder/timeline-log.js';
import type { SightedFrame } from '../system/evidence/first-frames.js';
import type { Inside } from '../system/fabric/lab/enter.js';
import { keepSender } from '../system/inject/keep-sender.js';
import { type AlterDevices, muted } from './devices.js';
import { type Guard, startGuard } from './guard.js';
import { type JudgeApart, judgeApart } from './judge-apart.js';
import type { HostLook } from './precheck-host.js';
import { beginProvenance, completeProvenance, type OperatorDeclaration } from './provenance.js';
import { runSteps } from './step.js';
import { type PreparedTopology, planOn, topologyOf } from './topology.js';
import { withUnchangedFiles } from './unchanged-files.js';

export interface RunOptions {
  /** Folder for the evidence; made if it is not there. */
  readonly outDir: string;
  readonly runId: string;
  /** Where the lab's namespaces are: what `enterLab` said; null = the run is on this host. */
  readonly inside: Inside | null;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  /** Which frames stay in the evidence; left out: all. */
  readonly keep?: 'leaks' | 'all';
  readonly toolVersion: string;
  /** On a host: keep what guests say to each other, whole, instead of the run's own frames' headers. */
  readonly payload?: boolean;
  /** For so long, in ms, it is listened after the last probe of each step, if that is longer than usual. */
  readonly lingerMs?: number;
  /** Who is responsible, as declared; for the record. */
  readonly declared?: OperatorDeclaration;
  /**
   * On a host: shows, before anything is built or sent, that a leak is seen on this kernel; works below the folder that
   * it is given; throws to refuse.
   */
  readonly calibrate?: (engine: 'libpcap' | 'cap', outDir: string) => Promise<CalibrationRecord>;
  /** Hears of the hosts before anybody is connected to; throws to refuse. */
  readonly connect?: (hosts: readonly Host[]) => Promise<void>;
  /** Looks at the plan before anything is built or sent; throws to refuse. `hash`: what `planHash` says. */
  readonly approve?: (plan: Plan, hash: string, notes: readonly PrecheckNote[]) => Promise<void>;
  /** Everything is done but sending. */
  readonly rehearse?: boolean;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Ends the run early; what was seen until then is kept and judged. */
  readonly signal: AbortSignal;
  /** How what listens and sends differs from the kernel's own; left out: not at all. */
  readonly alter?: AlterDevices;
}

export interface Run {
  readonly result: Result;
  readonly plan: Plan;
  readonly dir: string;
  /** What the run could not put back; empty = nothing was left behind. */
  readonly left: readonly string[];
  /** All that the result rests on but the capture, as the folder has it; null = the folder could not be completed. */
  readonly input: JudgeInput | null;
  /** The first frame of each leak; null = they are still to be read. */
  readonly frames: readonly SightedFrame[] | null;
}

/**
 * Carries a scenario out on the wire and judges what was seen. The result is what `replayFolder` says of the folder
 * that the run leaves. Rejects with VerifyError where nothing could be sent or heard at all; never exits.
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Run> {
  const engine = chooseEngine(options.engine);
  const key = randomBytes(32);
  const hosts = hostsToConnect(scenario.topology);
  if (hosts.length > 0) await options.connect?.(hosts);
  const topology = await topologyOf(scenario, options.inside, options.runId);
  try {
    return await runOn(topology, { scenario, options, engine, key });
  } catch (error) {
    await topology.abandon();
    throw error;
  }
}

async function runOn(
  topology: PreparedTopology,
  { scenario, options, engine, key }: Pick<Prepared, 'scenario' | 'options' | 'engine' | 'key'>,
): Promise<Run> {
  const { inside } = options;
  const { plan, opening } = await planOn(topology, key, options.lingerMs ?? 0);
  const look = inside === null ? await lookAtHost(plan, topology) : { notes: [], keepers: null };
  await options.approve?.(
    plan,
    planHash(plan, { files: scenario.files, toolVersion: options.toolVersion }),
    look.notes,
  );
  // What is to happen in the middle may well make guests drop frames: that is then no reason to stop.
  const guard =
    inside === null && plan.steps.every(({ during }) => during.length === 0)
      ? await startGuard(plan, topology.netns, topology.watched)
      : null;
  const along = await alongOf(plan, key, options);
  try {
    return await carryOut({ options, engine, key, topology, plan, opening, look, guard, along, scenario });
  } finally {
    await opening?.then(
      (fabric) => fabric.close(),
      () => undefined,
    ); // where it did not come to that
    guard?.stop();
    await along?.stop();
  }
}

/** What parses the files of a host's managers is not loaded for a lab. */
async function lookAtHost(plan: Plan, { netns }: PreparedTopology): Promise<HostLook> {
  const { precheckHost } = await import('./precheck-host.js');
  return precheckHost(localPart(plan), netns);
}

interface Prepared {
  readonly options: RunOptions;
  readonly scenario: Scenario;
  readonly engine: ReturnType<typeof chooseEngine>;
  readonly key: Uint8Array;
  readonly topology: PreparedTopology;
  readonly plan: Plan;
  /** null = it is still to be opened. */
  readonly opening: Promise<Fabric> | null;
  readonly look: HostLook;
  /** null = nobody is watched. */
  readonly guard: Guard | null;
  /** null = captures are put in order when they are whole. */
  readonly along: CollatingWhileRunning | null;
}

/**
 * From so many frames on, each of which is captured at least twice, the captures of a lab are put in order by a thread,
 * and counted, while they grow: a run of them takes two seconds, and waits in between. On a host guests need the
 * processor.
 */
const manyFrames = 5000;

async function alongOf(
  plan: Plan,
  key: Uint8Array,
  { outDir: dir, keep = 'all', toolVersion }: RunOptions,
): Promise<CollatingWhileRunning | null> {
  const frames = plan.steps.reduce((sum, step) => sum + framesOfStep(step), 0);
  if (plan.provider !== 'lab' || plan.hosts !== undefined || keep !== 'all' || frames < manyFrames) return null;
  const { collateWhileRunning } = await import('../system/evidence/collate-while-running.js');
  return collateWhileRunning(plan, {
    dir,
    key,
    keep,
    application: applicationOf(toolVersion),
    clocks: new Map(),
    // It is given up where an engine other than the ring listens, which knows every direction.
    inferred: plan.steps.map(() => new Set<string>()),
  });
}

/** How the program is named in captures. */
function applicationOf(toolVersion: string): string {
  return `verify-isolation ${toolVersion}`;
}

async function carryOut({
  options,
  scenario,
  engine,
  key,
  topology,
  plan,
  opening,
  look,
  guard,
  along,
}: Prepared): Promise<Run> {
  const { outDir: dir, onProgress } = options;
  if (options.calibrate !== undefined)
    onProgress({ kind: 'note', text: 'calibrating: a leak is planted in a lab on this kernel' });
  const calibration = (await options.calibrate?.(engine.name, dir)) ?? null;
  const keepers = look.keepers ?? scenario.topology.keepers;
  let record: RunRecord = {
    runVersion: 1,
    tool: {
      name: 'verify-isolation',
      version: options.toolVersion,
      verdictRules: currentRules,
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
    ...(keepers === undefined ? {} : { keepers }),
  };
  await createFolder(dir);
  await writeJson(dir, files.plan, plan);
  await writeJson(dir, files.run, record);
  const timeline = openTimeline(dir, (entry) => along?.hear(entry));
  const signal = guard === null ? options.signal : AbortSignal.any([options.signal, guard.signal]);
  // In a lab nobody sends but its own guests, and another process would make a small run slower by a tenth.
  const apart = plan.provider === 'host' ? judgeApart(dir) : null;
  let left: readonly string[] = [];
  const states: StepStates[] = [];
  try {
    onProgress({ kind: 'phase', name: 'building' });
    onProgress({ kind: 'note', text: `${plan.provider} as ${topology.runsAs}, capture with ${record.engine}` });
    // What is known of the machine and the program is read while the fabric is built.
    const { tool, engine: engineText } = record;
    const beginIn = (netns: string | null): ReturnType<typeof beginProvenance> =>
      beginProvenance({
        plan,
        tool,
        engine: engine.name,
        engineText,
        payload: options.payload ?? false,
        calibration,
        declared: options.declared ?? { operator: null, ticket: null },
        netns,
      });
    // In a lab of one host what is known of the machine and the program is read while the fabric is built.
    const early = plan.provider === 'lab' && scenario.topology.hosts === undefined ? beginIn(null) : null;
    early?.catch(() => undefined); // told where it is awaited
    const fabric = await (opening ?? topology.open(plan));
    const captures = keepCapture();
    const senders = keepSender();
    try {
      const kernel = { startCapture: captures.start, startSender: senders.start };
      const given = options.alter?.(kernel) ?? kernel;
      const devices = options.rehearse === true ? muted(given) : given;
      const here = fabric.observingPlace(plan.bridges[0]?.name ?? '');
      const provenance = await (early ?? beginIn(here.host === undefined ? here.netns : null));
      record = { ...record, ...(guard === null ? {} : { guard: guard.arm() }), provenance };
      await writeJson(dir, files.run, record);
      await runSteps({
        plan,
        key,
        dir,
        fabric: withUnchangedFiles(fabric, scenario),
        timeline,
        states,
        engine: engine.name,
        devices,
        remotes: topology.remotes,
        payload: options.payload ?? false,
        rehearsal: options.rehearse ?? false,
        signal,
        onProgress,
      });
    } finally {
      captures.end();
      await senders.end();
      left = await fabric.close();
    }
  } catch (error) {
    apart?.stop(); // nobody will ask it, and as long as it lives this process does
    throw error;
  } finally {
    timeline.close();
  }
  try {
    record = { ...record, timeline: { entries: timeline.entries.length } };
    if (record.provenance !== undefined)
      record = { ...record, provenance: completeProvenance(record.provenance, plan, timeline.entries, states) };
    const read = plan.steps.map((step) => states[step.index] ?? { before: null, after: null });
    const known = {
      dir,
      plan: planWithEars(plan, timeline.entries),
      record,
      key,
      timeline,
      along,
      options,
      states: read,
    };
    return { ...(await (apart === null ? completeHere(known) : completeApart(known, apart))), plan, dir, left };
  } finally {
    apart?.stop();
  }
}

/** All that is known of a run when it is over. */
interface Ended extends Pick<Prepared, 'plan' | 'key' | 'along' | 'options'> {
  readonly dir: string;
  readonly record: RunRecord;
  readonly timeline: TimelineLog;
  /** By step. */
  readonly states: readonly StepStates[];
}

type Completed = Pick<Run, 'result' | 'input' | 'frames'>;

/** Has a process without rights complete the folder; what it read is known here as well. */
async function completeApart(ended: Ended, apart: JudgeApart): Promise<Completed> {
  const { plan, record, key, timeline, states, options } = ended;
  options.onProgress({ kind: 'phase', name: 'collating' });
  const { counters, inferred } = countersOf(ended);
  return apart.judge(
    {
      plan,
      record,
      key: Buffer.from(key).toString('hex'),
      timeline: timeline.entries,
      states,
      counters,
      inferred: inferred.map((names) => [...names]),
      clocks: [...clockOffsets(timeline.entries)].map(([name, ns]) => [name, ns.toString()] as const),
      keep: options.keep ?? 'all',
      application: applicationOf(options.toolVersion),
      isFull: timeline.failure !== null,
    },
    () => options.onProgress({ kind: 'phase', name: 'judging' }),
  );
}

/** Last counters by step, and observers whose engine does not know directions. */
function countersOf({ plan, timeline }: Ended): Pick<CollateInput, 'counters' | 'inferred'> {
  const facts = stepFacts(plan, timeline.entries);
  return {
    counters: facts.map(({ lastCounters }) => ({ ...lastCounters })),
    inferred: facts.map(
      ({ listening }) =>
        new Set([...listening].filter(([, { direction }]) => direction !== 'known').map(([name]) => name)),
    ),
  };
}

/** The same in this process, for a lab. */
async function completeHere(ended: Ended): Promise<Completed> {
  const { isWriteFailure, judgeRaw } = await import('../system/evidence/judge-raw.js');
  try {
    return { ...(await complete(ended)), frames: null };
  } catch (error) {
    if (!isWriteFailure(error)) throw error;
    const { dir, plan, record, key, timeline, states } = ended;
    const run = { ...record, key: Buffer.from(key).toString('hex') };
    return {
      result: await judgeRaw(dir, { plan, run, timeline: timeline.entries, states }),
      input: null,
      frames: null,
    };
  }
}

/** Collates, reveals the key, judges what the folder holds and writes the result down. */
async function complete(ended: Ended): Promise<Pick<Run, 'result' | 'input'>> {
  const { dir, plan, record, key, timeline, along, options } = ended;
  const { onProgress } = options;
  const [{ judgeRun }, { writeSums }] = await Promise.all([
    import('../system/evidence/judge-run.js'),
    import('../system/evidence/folder/hash.js'),
  ]);
  if (timeline.failure !== null) throw cannotWrite(dir, timeline.failure);
  onProgress({ kind: 'phase', name: 'collating' });
  const judged = await judgeRun({
    dir,
    plan,
    key,
    record,
    along,
    ...countersOf(ended),
    keep: options.keep ?? 'all',
    clocks: clockOffsets(timeline.entries),
    application: applicationOf(options.toolVersion),
    onJudging: () => onProgress({ kind: 'phase', name: 'judging' }),
  });
  await writeJson(dir, files.result, judged.result);
  await writeSums(dir, judged.result.evidence.files);
  return judged;
}
