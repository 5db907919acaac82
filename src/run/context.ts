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

/** Declared by the operator. */
export interface OperatorDeclaration {
  readonly operator: string | null;
  readonly ticket: string | null;
}

/** `auto`: traces where the kernel and the user's rights allow. */
export const traceModes = ['auto', 'off'] as const;
export type TraceMode = (typeof traceModes)[number];

interface TracedSegment {
  readonly home: string | null;
  readonly devices: readonly LinkedDevice[];
}

/** The kernel's trace of a step. */
export interface StepTrace {
  /** Sees only the sample of each flow (core/plan/traced-sample.ts). */
  readonly isSample: boolean;
  /** Idempotent. */
  end(): void;
}

/** The kernel's trace of a run. */
export interface StepTraces {
  /** Attaches until `end`. If it cannot, the timeline names the reason, and `end` does nothing. */
  start(context: RunContext, step: StepPlan, segments: readonly TracedSegment[]): StepTrace;
  readonly lines: readonly TraceLine[];
  close(): void;
}

export interface RunOptions {
  /** Made if absent. */
  readonly outDir: string;
  readonly runId: string;
  /** From `enterLab`. null = the run is on this host. */
  readonly inside: Inside | null;
  /** Started in the lab before. The run ends them. */
  readonly helpers?: Helpers | undefined;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  /** Frames kept in the evidence. Absent = all, beyond 100,000 planned frames only leaks. */
  readonly keep?: 'leaks' | 'all' | undefined;
  readonly toolVersion: string;
  /** On a host: keep guests' traffic whole, not only headers of the run's frames. */
  readonly payload?: boolean;
  /** Listens this long after each step's last probe, in ms, if longer than usual. */
  readonly lingerMs?: number;
  /** For the record. */
  readonly declared?: OperatorDeclaration;
  /** On a host: shows first that this kernel reveals a leak. Works below `outDir`. Throws to refuse. */
  readonly calibrate?: (engine: 'libpcap' | 'cap', outDir: string) => Promise<CalibrationRecord>;
  /** Called before connecting to hosts. Throws to refuse. */
  readonly connect?: (hosts: readonly Host[]) => Promise<void>;
  /** Called before anything is built or sent. Throws to refuse. `hash` is `planHash`. */
  readonly approve?: (plan: Plan, hash: () => string, notes: readonly PrecheckNote[]) => Promise<void>;
  /** Absent = off. */
  readonly trace?: TraceMode;
  /** Sends nothing. */
  readonly dryRun?: boolean;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Ends the run early. Frames seen until then are judged. */
  readonly signal: AbortSignal;
  /** Called when all changes are undone, or that failed. `unrestored`: the remaining ones. */
  readonly onClosed?: (unrestored: readonly string[]) => void;
  /** Absent = the kernel's own devices. */
  readonly alter?: AlterDevices;
}

/** A run before anything is built. */
export interface PreparedRun {
  readonly options: RunOptions;
  readonly scenario: Scenario;
  readonly engine: ReturnType<typeof chooseEngine>;
  readonly key: Uint8Array;
  readonly topology: PreparedTopology;
  readonly helpers: Helpers;
  readonly plan: Plan;
  /** null = not opened yet. */
  readonly opening: Promise<Fabric> | null;
  readonly look: HostLook;
  /** null = not requested. */
  readonly calibration: CalibrationRecord | null;
  /** null = nothing is watched. */
  readonly guard: Guard | null;
  /** null = captures are put in order when complete. */
  readonly streaming: CollatingWhileRunning | null;
}

/** A mesh of 1,000 guests leaves 2.6 instead of 234 MB. */
const maxKeptFrames = 100_000;

/** Frames kept in the evidence of a run. */
export function keepOf({ keep }: Pick<RunOptions, 'keep'>, { steps }: Pick<Plan, 'steps'>): 'leaks' | 'all' {
  return keep ?? (framesOfSteps(steps) > maxKeptFrames ? 'leaks' : 'all');
}

/** The program's name in captures. */
export function applicationOf(toolVersion: string): string {
  return `verify-isolation ${toolVersion}`;
}

/** Shared while the steps run. */
export interface RunContext {
  readonly plan: Plan;
  readonly key: Uint8Array;
  readonly dir: string;
  readonly fabric: Fabric;
  readonly timeline: TimelineLog;
  readonly engine: 'libpcap' | 'cap';
  readonly devices: Devices;
  /** Hosts behind ssh, by name. */
  readonly remotes: ReadonlyMap<string, RemoteHost>;
  /** On a host: guests' traffic may be kept whole. */
  readonly payload: boolean;
  /** null = not requested. */
  readonly traces: StepTraces | null;
  /** Sends nothing. */
  readonly isDryRun: boolean;
  /** By step: judged if the folder could not take them. */
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

/** The signal's own reason, else an interruption. */
export function stopReason(signal: AbortSignal): VerifyError {
  const reason: unknown = signal.reason;
  return reason instanceof VerifyError
    ? reason
    : new VerifyError('interrupted', 3, 'the run was stopped', 'The frames captured until then are kept.');
}

/** Throws if the run must end. Call it between actions, so that everything begun is also ended. */
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

const reportedWaitMs = 2000;

/** Waits as `pause`, and reports the remaining seconds of a long wait. */
export async function wait(context: RunContext, step: StepPlan, phase: StepPhase, ms: number): Promise<void> {
  if (ms < reportedWaitMs) return pause(ms, context.signal);
  const end = performance.now() + ms;
  for (let remaining = ms; remaining > 0; remaining = end - performance.now()) {
    const seconds = Math.ceil(remaining / 1000);
    report(context, step, phase, seconds >= 120 ? `${Math.ceil(seconds / 60)} min left` : `${seconds} s left`);
    await pause(Math.min(remaining, 1000), context.signal);
  }
}

/** A fault of a step, but of no observer. */
export function logFault(
  { timeline }: Pick<RunContext, 'timeline'>,
  { index }: StepPlan,
  code: FaultCode,
  text: string,
): void {
  timeline.log(index, { event: 'fault', fault: { code, observers: [], text } });
}
