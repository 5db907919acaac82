import type { FaultCode } from '../../core/model/reasons.js';
import type { JudgeInput } from '../../core/judge/judge.js';
import type { TraceLine } from '../../core/model/timeline.js';
import type { Plan } from '../../core/model/plan.js';
import type { Result } from '../../core/model/result.js';
import type { RunRecord } from '../../core/model/run-record.js';
import type { StepStates } from '../../core/model/state.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import { assertKnown, type ErrorExit } from '../../core/model/verify-error.js';
import { carriedFlows } from '../../core/plan/flows/flow-table.js';
import type { ShownFrame } from '../../core/wire/shown-frame.js';
import type { StepCounters } from './collate/raw-captures.js';
import { firstFrames } from './first-frames.js';
import { cannotWrite, files, writeJson } from './folder/folder.js';
import { writeSums } from './folder/hash.js';
import { isWriteFailure, judgeRaw } from './judge-raw.js';
import { judgeRun } from './judge-run.js';

/** What a process that judges a run's folder is asked: as JSON carries it. */
export interface JudgeRequest {
  readonly plan: Plan;
  /** SHA-256 of plan.json, hex. */
  readonly planSha256: string;
  /** Without key and capture. */
  readonly record: RunRecord;
  readonly key: string;
  readonly timeline: readonly TimelineEntry[];
  readonly states: readonly StepStates[];
  readonly trace: readonly TraceLine[];
  readonly counters: StepCounters;
  readonly inferred: readonly (readonly string[])[];
  readonly clocks: readonly (readonly [string, string])[];
  readonly keep: 'leaks' | 'all';
  readonly application: string;
  /** The file system takes no more already. */
  readonly isFull: boolean;
}

/** What it answers. */
export type JudgeAnswer =
  | {
      readonly kind: 'judged';
      readonly result: Result;
      readonly record: RunRecord;
      readonly discarded: NonNullable<JudgeInput['discarded']> | null;
      readonly frames: readonly ShownFrame[];
    }
  /** The file system took no more: what is in memory and in the captures was judged. */
  | { readonly kind: 'raw'; readonly result: Result }
  | {
      readonly kind: 'failed';
      readonly code: FaultCode;
      readonly exit: ErrorExit;
      readonly message: string;
      readonly hint: string;
    };

/** The plan with its flows as flows: JSON carries many of them as columns. */
function wholePlan(plan: Plan): Plan {
  return {
    ...plan,
    steps: plan.steps.map((step) => {
      const flows = carriedFlows(step.flows);
      if (flows === null) throw new TypeError(`the flows of step ${step.index + 1} do not fit together`);
      return { ...step, flows };
    }),
  };
}

async function judged(dir: string, request: JudgeRequest, onJudging: () => void): Promise<JudgeAnswer> {
  const { plan, record, counters, keep, application } = request;
  const { result, input } = await judgeRun({
    dir,
    plan,
    record,
    counters,
    keep,
    application,
    key: Buffer.from(request.key, 'hex'),
    inferred: request.inferred.map((names) => new Set(names)),
    clocks: new Map(request.clocks.map(([name, ns]) => [name, BigInt(ns)])),
    written: {
      planFile: { sha256: request.planSha256 },
      timeline: request.timeline,
      states: request.states,
      trace: request.trace,
    },
    streaming: null,
    onJudging,
  });
  await writeJson(dir, files.result.name, result);
  await writeSums(dir, result.evidence.files);
  const frames = await firstFrames(dir, result);
  return { kind: 'judged', result, record: input.run, discarded: input.discarded ?? null, frames };
}

/** Judges the run that left `dir`: puts its captures in order, reveals the key, and writes the result down. */
export async function judgeTask(dir: string, asked: JudgeRequest, onJudging: () => void): Promise<JudgeAnswer> {
  const request = { ...asked, plan: wholePlan(asked.plan) };
  try {
    if (request.isFull) throw cannotWrite(dir, 'it takes no more');
    return await judged(dir, request, onJudging);
  } catch (error) {
    if (isWriteFailure(error)) {
      const { plan, record, key, timeline, states } = request;
      return { kind: 'raw', result: await judgeRaw(dir, { plan, run: { ...record, key }, timeline, states }) };
    }
    assertKnown(error);
    const { code, exitCode: exit, message, hint } = error;
    return { kind: 'failed', code, exit, message, hint };
  }
}
