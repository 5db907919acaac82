import type { Fabric } from '../core/model/fabric.js';
import type { CalibrationRecord, PrecheckNote } from '../core/model/run-record.js';
import type { Host, Scenario } from '../core/model/scenario.js';
import type { Plan, StepPlan } from '../core/model/plan.js';
import type { ProgressEvent, StepPhase, TraceLine } from '../core/model/timeline.js';
import type { LinkedDevice, StepStates } from '../core/model/state.js';
import type { FaultCode } from '../core/model/reasons.js';
import { VerifyError } from '../core/model/verify-error.js';
import { framesOfSteps } from '../core/plan/flows/shortcuts.js';
import type { chooseEngine } from '../system/capture/choose-engine.js';
import type { CollatingWhileRunning } from '../system/evidence/collate-while-running.js';
import type { TimelineLog } from '../system/evidence/folder/timeline-log.js';
import type { Inside } from '../system/fabric/lab/enter.js';
import type { AlterDevices, Devices, Helpers } from './devices.js';
import type { Guard } from './guard.js';
import type { RemoteHost } from './hosts/remote-host.js';
import type { HostLook } from './precheck-host.js';
import type { PreparedTopology } from './topology.js';

/** What the person who runs it declares. */
export interface OperatorDeclaration {
  readonly operator: string | null;
  readonly ticket: string | null;
}

/** `off`: no step is traced; `auto`: where the kernel and the user's rights allow. */
export const traceModes = ['auto', 'off'] as const;
export type TraceMode = (typeof traceModes)[number];

/** The network namespace of a step's bridges, and the devices there and around it. */
interface TracedSegment {
  readonly home: string | null;
  readonly devices: readonly LinkedDevice[];
}

/** The kernel's trace of a step. */
export interface StepTrace {
  /** It is to see the sample of each flow alone (core/plan/traced-sample.ts). */
  readonly isSample: boolean;
  /** Once; nothing the second time. */
  end(): void;
}

/** The kernel's trace of the steps of a run. */
export interface StepTraces {
  /** Attaches until `end`; where that cannot be, the timeline names the reason, and `end` does nothing. */
  start(context: RunContext, step: StepPlan, segments: readonly TracedSegment[]): StepTrace;
  /** All that was written down so far. */
  readonly lines: readonly TraceLine[];
  close(): void;
}

export interface RunOptions {
  /** Folder for the evidence; made if it is not there. */
  readonly outDir: string;
  readonly runId: string;
  /** Where the lab's namespaces are: what `enterLab` said; null = the run is on this host. */
  readonly inside: Inside | null;
  /** Helpers that were started in the lab before; left out: none. The run ends them. */
  readonly helpers?: Helpers | undefined;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  /** Frames that stay in the evidence. Absent: all, or beyond 100,000 planned frames the leaks. */
  readonly keep?: 'leaks' | 'all' | undefined;
  readonly toolVersion: string;
  /** On a host: keep what guests say to each other, whole, instead of the run's own frames' headers. */
  readonly payload?: boolean;
  /** For this long, in ms, it is listened after the last probe of each step, if that is longer than usual. */
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
  /** Looks at the plan before anything is built or sent; throws to refuse. `hash` gives what `planHash` says. */
  readonly approve?: (plan: Plan, hash: () => string, notes: readonly PrecheckNote[]) => Promise<void>;
  /** The kernel's trace in each step; left out: off. */
  readonly trace?: TraceMode;
  /** Everything is done but sending. */
  readonly dryRun?: boolean;
  readonly onProgress: (event: ProgressEvent) => void;
  /** In a lab: captures are read while they grow, so that `onProgress` hears of a leak as soon as it is seen. */
  readonly lookForLeaks?: boolean;
  /** Ends the run early; what was seen until then is kept and judged. */
  readonly signal: AbortSignal;
  /** Called when what the run made and changed is undone, also where it fails. `left`: what could not be put back. */
  readonly onClosed?: (unrestored: readonly string[]) => void;
  /** How what listens and sends differs from the kernel's own; left out: not at all. */
  readonly alter?: AlterDevices;
}

/** All that is known of a run before anything is built. */
export interface PreparedRun {
  readonly options: RunOptions;
  readonly scenario: Scenario;
  readonly engine: ReturnType<typeof chooseEngine>;
  readonly key: Uint8Array;
  readonly topology: PreparedTopology;
  readonly helpers: Helpers;
  readonly plan: Plan;
  /** null = it is still to be opened. */
  readonly opening: Promise<Fabric> | null;
  readonly look: HostLook;
  /** null = none was asked for. */
  readonly calibration: CalibrationRecord | null;
  /** null = nobody is watched. */
  readonly guard: Guard | null;
  /** null = captures are put in order when they are whole. */
  readonly streaming: CollatingWhileRunning | null;
}

/** A mesh of 1,000 guests leaves 2.6 instead of 234 MB. */
const maxKeptFrames = 100_000;

/** Frames that stay in the evidence of a run. */
export function keepOf({ keep }: Pick<RunOptions, 'keep'>, { steps }: Pick<Plan, 'steps'>): 'leaks' | 'all' {
  return keep ?? (framesOfSteps(steps) > maxKeptFrames ? 'leaks' : 'all');
}

/** How the program is named in captures. */
export function applicationOf(toolVersion: string): string {
  return `verify-isolation ${toolVersion}`;
}

/** What the parts of a run share while its steps are carried out. */
export interface RunContext {
  readonly plan: Plan;
  readonly key: Uint8Array;
  readonly dir: string;
  readonly fabric: Fabric;
  readonly timeline: TimelineLog;
  readonly engine: 'libpcap' | 'cap';
  readonly devices: Devices;
  /** Hosts that are reached through ssh, by name. */
  readonly remotes: ReadonlyMap<string, RemoteHost>;
  /** On a host: guests' own traffic may be kept, whole. */
  readonly payload: boolean;
  /** The kernel's trace of each step; null = it is not asked for. */
  readonly traces: StepTraces | null;
  /** Everything is done but sending. */
  readonly isDryRun: boolean;
  /** What was read, by step: judged where the folder could not take it. */
  readonly states: StepStates[];
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
}

/** The host of that name. */
export function remoteOf(context: Pick<RunContext, 'remotes'>, name: string): RemoteHost {
  const remote = context.remotes.get(name);
  if (remote === undefined)
    throw new VerifyError(
      'fabric-unknown',
      70,
      `there is no host ${name}`,
      'this is a fault of verify-isolation: report it with plan.json',
    );
  return remote;
}

export function report(context: RunContext, step: StepPlan, phase: StepPhase, detail = ''): void {
  context.onProgress({
    kind: 'step',
    index: step.index,
    of: context.plan.steps.length,
    name: step.name,
    phase,
    detail,
  });
}

/** Why a run is to end: what stopped it says so itself, else somebody interrupted it. */
export function stopReason(signal: AbortSignal): VerifyError {
  const reason: unknown = signal.reason;
  return reason instanceof VerifyError
    ? reason
    : new VerifyError('interrupted', 3, 'the run was stopped', 'The frames captured until then are kept.');
}

/** Throws where the run is to end: called between actions, so that everything begun is also ended. */
export function checkStop(signal: AbortSignal): void {
  if (signal.aborted) throw stopReason(signal);
}

/** Waits; throws as `checkStop` does as soon as the run is to end. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  checkStop(signal);
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
  checkStop(signal);
}

/** From this many ms on a wait is reported. */
const reportedWaitMs = 2000;

/** Waits as `pause` does; how long still is reported every second, where it takes several. */
export async function wait(context: RunContext, step: StepPlan, phase: StepPhase, ms: number): Promise<void> {
  if (ms < reportedWaitMs) return pause(ms, context.signal);
  const end = performance.now() + ms;
  for (let remaining = ms; remaining > 0; remaining = end - performance.now()) {
    const seconds = Math.ceil(remaining / 1000);
    report(context, step, phase, seconds >= 120 ? `${Math.ceil(seconds / 60)} min left` : `${seconds} s left`);
    await pause(Math.min(remaining, 1000), context.signal);
  }
}

/** Writes down a fault of a step that is of no observer. */
export function logFault(
  { timeline }: Pick<RunContext, 'timeline'>,
  { index }: StepPlan,
  code: FaultCode,
  text: string,
): void {
  timeline.log(index, { event: 'fault', fault: { code, observers: [], text } });
}
