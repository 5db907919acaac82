import type { JudgeInput } from '../../core/judge/judge.js';
import type { TraceLine } from '../../core/model/timeline.js';
import { stepFacts } from '../../core/judge/proof/step-facts.js';
import type { Result } from '../../core/model/result.js';
import type { RunRecord } from '../../core/model/run-record.js';
import type { StepStates } from '../../core/model/state.js';
import type { ShownFrame } from '../../core/wire/shown-frame.js';
import type { CollateInput } from '../../system/evidence/collate/collate.js';
import { cannotWrite, files, writeJson } from '../../system/evidence/folder/folder.js';
import type { WrittenPlanFile } from '../../system/evidence/folder/parse-folder.js';
import { clockOffsets, type TimelineLog } from '../../system/evidence/folder/timeline-log.js';
import { applicationOf, keepOf, type PreparedRun } from '../context.js';
import type { JudgeApart } from './judge-apart.js';

/** A run that is over. */
export interface EndedRun extends Pick<PreparedRun, 'plan' | 'key' | 'streaming' | 'options'> {
  readonly dir: string;
  readonly planFile: WrittenPlanFile;
  readonly record: RunRecord;
  readonly timeline: TimelineLog;
  /** By step. */
  readonly states: readonly StepStates[];
  readonly trace: readonly TraceLine[];
}

/** A run's result and its basis. */
export interface ConcludedRun {
  readonly result: Result;
  /** As in the folder, without the capture. null = an incomplete folder. */
  readonly input: JudgeInput | null;
  /** The first frame of each leak. null = not read yet. */
  readonly frames: readonly ShownFrame[] | null;
}

/**
 * Collates captures, reveals the key and judges, without rights (`apart`) or here. Writes as much of the result as the
 * folder takes.
 */
export async function concludeRun(ended: EndedRun, apart: JudgeApart | null): Promise<ConcludedRun> {
  return apart === null ? concludeHere(ended) : concludeApart(ended, apart);
}

async function concludeApart(ended: EndedRun, apart: JudgeApart): Promise<ConcludedRun> {
  const { plan, record, key, timeline, states, trace, options } = ended;
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
      keep: keepOf(options, plan),
      application: applicationOf(options.toolVersion),
      isFull: timeline.failure !== null,
    },
    trace,
    () => options.onProgress({ kind: 'phase', name: 'judging' }),
  );
}

function countersOf({ plan, timeline }: EndedRun): Pick<CollateInput, 'counters' | 'inferred'> {
  const facts = stepFacts(plan, timeline.entries);
  return {
    counters: facts.map(({ lastCounters }) => ({ ...lastCounters })),
    inferred: facts.map(
      ({ listening }) =>
        new Set([...listening].filter(([, { direction }]) => direction !== 'known').map(([name]) => name)),
    ),
  };
}

async function concludeHere(ended: EndedRun): Promise<ConcludedRun> {
  const { isWriteFailure, judgeRaw } = await import('../../system/evidence/judge-raw.js');
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

async function loadJudge(): Promise<
  readonly [typeof import('../../system/evidence/judge-run.js'), typeof import('../../system/evidence/folder/hash.js')]
> {
  return Promise.all([import('../../system/evidence/judge-run.js'), import('../../system/evidence/folder/hash.js')]);
}

/** Loads it during other waits. */
export function loadJudgeEarly(): void {
  loadJudge().catch(() => undefined); // thrown where it is needed
}

async function complete(ended: EndedRun): Promise<Pick<ConcludedRun, 'result' | 'input'>> {
  const { dir, plan, record, key, timeline, streaming, options } = ended;
  const { onProgress } = options;
  const [{ judgeRun }, { writeSums }] = await loadJudge();
  if (timeline.failure !== null) throw cannotWrite(dir, timeline.failure);
  onProgress({ kind: 'phase', name: 'collating' });
  const judged = await judgeRun({
    dir,
    plan,
    key,
    record,
    planFile: ended.planFile,
    timeline: timeline.entries,
    streaming,
    ...countersOf(ended),
    keep: keepOf(options, plan),
    clocks: clockOffsets(timeline.entries),
    application: applicationOf(options.toolVersion),
    onJudging: () => onProgress({ kind: 'phase', name: 'judging' }),
  });
  await writeJson(dir, files.result.name, judged.result);
  await writeSums(dir, judged.result.evidence.files);
  return judged;
}
