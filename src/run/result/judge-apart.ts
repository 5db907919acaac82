import type { JudgeInput } from '../../core/judge/judge.js';
import type { TraceLine } from '../../core/model/timeline.js';
import type { Result } from '../../core/model/result.js';
import type { ShownFrame } from '../../core/wire/shown-frame.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { fits } from '../../core/model/shape/shape.js';
import { errorOf } from '../../core/protocol/failure.js';
import { judgeAnswer } from '../../system/evidence/judge-answer.js';
import type { JudgeRequest } from '../../system/evidence/judge-task.js';
import { startConfined } from '../../system/process/confined-process.js';

/** A judgement with the data of reports. null = the folder could not be completed. */
export interface JudgedApart {
  readonly result: Result;
  readonly input: JudgeInput | null;
  readonly frames: readonly ShownFrame[];
}

/** A process that judges a run's folder. */
export interface JudgeApart {
  /** Rejects with VerifyError. `onJudging`: captures are in order. */
  judge(request: JudgeRequest, trace: readonly TraceLine[], onJudging: () => void): Promise<JudgedApart>;
  /** Call it if nothing will be judged. */
  stop(): void;
}

/** Reads guests' frames without rights, except to write in the run's folder. */
export function judgeApart(dir: string): JudgeApart {
  const confined = startConfined('judge', dir);
  return {
    stop: () => confined.kill(),
    async judge(request, trace, onJudging) {
      const answered = await confined.ask(request, onJudging);
      confined.end();
      if (!fits(judgeAnswer, answered))
        throw new VerifyError(
          'helper-died',
          3,
          'the process that judges said something that is no result',
          'report this as a fault of verify-isolation',
        );
      switch (answered.kind) {
        case 'failed': // it knows its folder as /
          throw errorOf({ ...answered, message: answered.message.replace(/^\/(?!proc)/, `${dir}/`) });
        case 'raw':
          return { result: answered.result, input: null, frames: [] };
        case 'judged': {
          const { plan, timeline, states } = request;
          const { record: run, discarded } = answered;
          return {
            result: answered.result,
            input: {
              ...{ plan, run, timeline, states },
              ...(trace.length === 0 ? {} : { trace }),
              ...(discarded === null ? {} : { discarded }),
            },
            frames: answered.frames,
          };
        }
      }
    },
  };
}
