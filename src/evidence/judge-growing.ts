import { createHash } from 'node:crypto';
import type { JudgeStart, Judging } from '../judge/judge.js';
import type { GrowingFile } from '../system/evidence/read/growing-file.js';
import { readCaptureOf } from '../system/evidence/read/read-capture.js';
import { addCapture } from './replay.js';

/** The octets as they are, hashed on their way. */
async function* hashing(
  octets: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of octets) {
    hash.update(chunk);
    yield chunk;
  }
}

/**
 * Adds a capture to a judgement while it is written, to its end. Resolves to the SHA-256, hex, of what was read: that
 * is what was judged.
 */
export async function judgeGrowing(judging: Judging<JudgeStart>, growing: GrowingFile): Promise<string> {
  const hash = createHash('sha256');
  await addCapture(judging, readCaptureOf(hashing(growing.read(), hash), { fleeting: true }));
  return hash.digest('hex');
}
