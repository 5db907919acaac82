import { discardedShape } from '../../core/judge/count/discarded.js';
import type { Result } from '../../core/model/result.js';
import { type RunRecord, runShape } from '../../core/model/run-record.js';
import { type Codec, misfitOf, number, type Of, oneOf, orNull, tagged, text } from '../../core/model/shape/shape.js';
import { failureShape } from '../../core/protocol/failure.js';
import { shownFrameShape } from '../../core/wire/shown-frame.js';

/** Only the parts that code uses. */
const result: Codec<Result> = (value) =>
  misfitOf(
    {
      schemaVersion: oneOf(1),
      run: { id: text },
      verdict: oneOf('holds', 'broken', 'inconclusive'),
      exitCode: number,
      steps: [{ findings: [{}], reasons: [{ code: text }] }],
      evidence: { files: [{ path: text, sha256: text }] },
    },
    value,
  );
const record: Codec<RunRecord> = (value) => misfitOf(runShape, value);

/** Answer of a process that judges a run's folder. */
export const judgeAnswer = tagged('kind', {
  judged: {
    result,
    record,
    discarded: orNull({ lines: [discardedShape], sha256: orNull(text) }),
    frames: [shownFrameShape],
  },
  /** The file system refused. */
  raw: { result },
  failed: failureShape,
});
export type JudgeAnswer = Of<typeof judgeAnswer>;
