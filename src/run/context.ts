import type { Fabric } from '../core/model/fabric.js';
import type { Plan, StepPlan } from '../core/model/plan.js';
import type { ProgressEvent, StepPhase } from '../core/model/progress.js';
import type { StepStates } from '../core/model/state.js';
import { VerifyError } from '../core/model/verify-error.js';
import type { TimelineLog } from '../system/evidence/folder/timeline-log.js';
import type { Devices } from './devices.js';
import type { RemoteHost } from './hosts/remote-host.js';

/** What the parts of a run share. */
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
  /** Everything is done but sending. */
  readonly rehearsal: boolean;
  /** What was read, by step: judged where the folder could not take it. */
  readonly states: StepStates[];
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
}

/** The host of that name. */
export function remoteOf(context: Pick<RunContext, 'remotes'>, name: string): RemoteHost {
  const found = context.remotes.get(name);
  if (found === undefined)
    throw new VerifyError(
      'fabric-unknown',
      70,
      `there is no host ${name}`,
      'this is a fault of verify-isolation: report it with plan.json',
    );
  return found;
}

export function tell(context: RunContext, step: StepPlan, phase: StepPhase, detail = ''): void {
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
    : new VerifyError('interrupted', 3, 'the run was interrupted', 'What was seen until then is kept.');
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
