import type { Plan } from '../../core/model/plan.js';
import type { RunRecord } from '../../core/model/run-record.js';
import type { StepStates } from '../../core/model/state.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { carriedFlows } from '../../core/plan/flows/flow-table.js';
import { failureOf } from '../../core/protocol/failure.js';
import type { StepCounters } from './collate/raw-captures.js';
import { firstFrames } from './first-frames.js';
import { cannotWrite, files, writeJson } from './folder/folder.js';
import { writeSums } from './folder/hash.js';
import type { JudgeAnswer } from './judge-answer.js';
import { isWriteFailure, judgeRaw } from './judge-raw.js';
import { judgeRun } from './judge-run.js';

/** JSON request to a process that judges a run's folder. */
export interface JudgeRequest {
  readonly plan: Plan;
  readonly record: RunRecord;
  readonly key: string;
  readonly timeline: readonly TimelineEntry[];
  readonly states: readonly StepStates[];
  readonly counters: StepCounters;
  readonly inferred: readonly (readonly string[])[];
  readonly clocks: readonly (readonly [string, string])[];
  readonly keep: 'leaks' | 'all';
  readonly application: string;
  readonly isFull: boolean;
}

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
    timeline: request.timeline,
    planFile: null,
    streaming: null,
    onJudging,
  });
  await writeJson(dir, files.result.name, result);
  await writeSums(dir, result.evidence.files);
  const frames = await firstFrames(dir, result);
  return { kind: 'judged', result, record: input.run, discarded: input.discarded ?? null, frames };
}

/** Collates, reveals the key, judges, and writes the result. */
export async function judgeTask(dir: string, given: JudgeRequest, onJudging: () => void): Promise<JudgeAnswer> {
  const request = { ...given, plan: wholePlan(given.plan) };
  try {
    if (request.isFull) throw cannotWrite(dir, 'it takes no more');
    return await judged(dir, request, onJudging);
  } catch (error) {
    if (isWriteFailure(error)) {
      const { plan, record, key, timeline, states } = request;
      return { kind: 'raw', result: await judgeRaw(dir, { plan, run: { ...record, key }, timeline, states }) };
    }
    assertKnown(error);
    return { kind: 'failed', ...failureOf(error) };
  }
}
