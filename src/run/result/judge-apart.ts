import { z } from 'zod';
import type { JudgeInput } from '../../core/judge/judge.js';
import type { Result } from '../../core/model/result.js';
import { maxShownBytes, type ShownFrame } from '../../core/wire/shown-frame.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { JudgeAnswer, JudgeRequest } from '../../system/evidence/judge-task.js';
import { failureKeys, startConfined } from '../../system/process/confined-process.js';

const shownFrame = z.strictObject({
  frame: z.number(),
  original: z.number(),
  captured: z.number(),
  hex: z.string().regex(new RegExp(`^([0-9a-f]{2}){0,${maxShownBytes}}$`)),
  headers: z
    .strictObject({
      srcMac: z.string(),
      dstMac: z.string(),
      vlan: z.array(z.number()),
      etherType: z.number(),
      srcIp: z.string().nullable(),
      dstIp: z.string().nullable(),
      hopLimit: z.number().nullable(),
      protocol: z.number().nullable(),
      icmpType: z.number().nullable(),
      payloadAt: z.number(),
    })
    .nullable(),
  token: z.strictObject({ runTag: z.number(), index: z.number() }).nullable(),
});
const result = z.looseObject({
  schemaVersion: z.literal(1),
  run: z.looseObject({ id: z.string() }),
  verdict: z.enum(['holds', 'broken', 'inconclusive']),
  exitCode: z.number(),
  steps: z.array(
    z.looseObject({ findings: z.array(z.looseObject({})), reasons: z.array(z.looseObject({ code: z.string() })) }),
  ),
  evidence: z.looseObject({ files: z.array(z.object({ path: z.string(), sha256: z.string() })) }),
});
const answer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('judged'),
    result,
    record: z.looseObject({ id: z.string(), key: z.string().nullable() }),
    discarded: z.looseObject({ lines: z.array(z.looseObject({})), sha256: z.string().nullable() }).nullable(),
    frames: z.array(shownFrame),
  }),
  z.object({ kind: z.literal('raw'), result }),
  z.object({ kind: z.literal('failed'), ...failureKeys }),
]);

function isAnswer(value: unknown): value is JudgeAnswer {
  return answer.safeParse(value, { jitless: true }).success;
}

/** A judgement, and what reports need beside it; null = the folder could not be completed. */
export interface JudgedApart {
  readonly result: Result;
  readonly input: JudgeInput | null;
  readonly frames: readonly ShownFrame[];
}

/** A process that judges a run's folder when the run is over. */
export interface JudgeApart {
  /** Rejects with VerifyError where it cannot be judged. `onJudging`: the captures are in order. */
  judge(request: JudgeRequest, onJudging: () => void): Promise<JudgedApart>;
  /** Ends it where nobody will ask it. */
  stop(): void;
}

/**
 * Starts the process that will put the captures of a run in order and judge them: what a guest sent is read where there
 * are no rights, but to write in the run's own folder.
 */
export function judgeApart(dir: string): JudgeApart {
  const confined = startConfined('judge', dir);
  return {
    stop: () => confined.kill(),
    async judge(request, onJudging) {
      const answered = await confined.ask(request, onJudging);
      confined.end();
      if (!isAnswer(answered))
        throw new VerifyError(
          'helper-died',
          3,
          'the process that judges said something that is no result',
          'report this as a fault of verify-isolation',
        );
      switch (answered.kind) {
        case 'failed': // it knows its folder as /
          throw new VerifyError(
            answered.code,
            answered.exit,
            answered.message.replace(/^\/(?!proc)/, `${dir}/`),
            answered.hint,
          );
        case 'raw':
          return { result: answered.result, input: null, frames: [] };
        case 'judged': {
          const { plan, timeline, states, trace } = request;
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
