import { addBatch, addDamage, finishJudging, type JudgeInput, startJudging } from '../../core/judge/judge.js';
import type { Result } from '../../core/model/result.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { evidenceInterfaces } from '../../core/plan/evidence-interfaces.js';
import { rawCapturesIn } from './collate/raw-captures.js';
import { readRawFrames } from './collate/raw-frames.js';
import { captureHosts, clockOffsets } from './folder/timeline-log.js';

/** The file system is full, over quota, read-only or failing. */
export function isWriteFailure(error: unknown): boolean {
  if (error instanceof VerifyError) return error.code === 'evidence-not-writable';
  return (
    error instanceof Error &&
    'code' in error &&
    ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG'].includes(String(error.code))
  );
}

/** For a folder that cannot be completed (disk full): reports leaks only, as `input.run.capture` is null. */
export async function judgeRaw(dir: string, input: JudgeInput): Promise<Result> {
  const judging = startJudging(input);
  const blocks = evidenceInterfaces(input.plan);
  for (const step of input.plan.steps) {
    const damages: string[] = [];
    const clocks = clockOffsets(input.timeline);
    const hosts = captureHosts(input.timeline);
    const onMisplaced = (text: string): void => void damages.push(text);
    const reading = { blocks, damages, clocks, hosts, onMisplaced };
    for await (const frames of readRawFrames(await rawCapturesIn(dir, step.index), reading)) {
      frames.each((batch, packet, interfaceId) => {
        if (interfaceId < 0) return;
        const [from, to] = [packet, packet + 1];
        addBatch(judging, {
          bytes: batch.bytes,
          count: 1,
          offset: batch.offset.subarray(from, to),
          captured: batch.captured.subarray(from, to),
          interfaceId: Uint32Array.of(interfaceId),
          timeNs: batch.timeNs.subarray(from, to),
          direction: batch.direction.subarray(from, to),
        });
      });
    }
    for (const text of damages) addDamage(judging, text);
  }
  return finishJudging(judging, { sha256: null, files: [] });
}
