import { createHash } from 'node:crypto';
import {
  addBatch,
  addDamage,
  finishJudging,
  type JudgeInput,
  type JudgeStart,
  type JudgeState,
  startJudging,
} from '../../core/judge/judge.js';
import type { Result } from '../../core/model/result.js';
import { VerifyError, messageOf } from '../../core/model/verify-error.js';
import type { CaptureItem } from '../../core/pcap/capture-items.js';
import { evidenceInterfaces } from '../../core/plan/evidence-interfaces.js';
import { escapeText } from '../../core/text/escape.js';
import type { FixRecord } from '../../core/model/fix.js';
import { capturePath, files, writeJson } from './folder/folder.js';
import { changedSince, hashedBeside, withCapture, writeSums } from './folder/hash.js';
import { parseFolder } from './folder/parse-folder.js';
import type { PartialFile } from './read/partial-file.js';
import { hashedBytes } from './read/hashed-bytes.js';
import { readCaptureOf } from './read/read-capture.js';

async function addCapture(judging: JudgeState<JudgeStart>, items: AsyncIterable<CaptureItem>): Promise<void> {
  const blocks = evidenceInterfaces(judging.input.plan);
  for await (const item of items) {
    switch (item.kind) {
      case 'batch':
        addBatch(judging, item);
        break;
      case 'damage':
        addDamage(judging, `${files.capture.name}, offset ${item.offset}: ${item.message}`);
        break;
      case 'interface':
        if (escapeText(blocks[item.id]?.description ?? '') !== escapeText(item.description ?? ''))
          addDamage(judging, `${files.capture.name}: interface ${item.id} is not the observer that the plan has there`);
        break;
      case 'section':
      case 'statistics':
        break;
    }
  }
}

/** A result and its sources but the capture. */
export interface JudgedRun {
  readonly result: Result;
  readonly input: JudgeInput;
}

/**
 * From files alone, without root or network: run and replay agree byte for byte. It hashes the judged bytes. A
 * difference from SHA256SUMS excludes HOLDS. VerifyError 64 for another folder.
 */
export async function judgeFolder(dir: string): Promise<JudgedRun> {
  return judgeCapture(dir, () => parseFolder(dir), changedSince);
}

/** As `judgeFolder` without SHA256SUMS, which the caller checks or writes anew. */
export async function judgeAsItIs(dir: string): Promise<JudgedRun> {
  return judgeCapture(dir, () => parseFolder(dir));
}

/** Foreign contents are the folder's fault: VerifyError 64. */
function notFitting(dir: string, error: unknown): VerifyError {
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${dir}: its files do not fit together: ${messageOf(error)}`,
    'A file of the run was changed. If none was, please report this as a fault of verify-isolation.',
  );
}

/**
 * As `judgeFolder`, with sources by `inputOf`. `changedOf`: files that differ from the run's; absent in the run itself.
 */
export async function judgeCapture(
  dir: string,
  inputOf: () => Promise<JudgeInput>,
  changedOf: typeof changedSince = () => [],
): Promise<JudgedRun> {
  const path = await capturePath(dir);
  const capture = hashedBytes(path);
  try {
    const input = await inputOf();
    const beside = await hashedBeside(dir); // before the capture: at its end all would wait for this hash
    const judging = startJudging(input);
    await addCapture(judging, readCaptureOf(capture.bytes, { fleeting: true }));
    const sha256 = await capture.sha256().catch(() => null);
    const hashed = withCapture(beside, sha256);
    return { result: finishJudging(judging, { sha256, files: hashed, changed: changedOf(dir, hashed) }), input };
  } catch (error) {
    throw error instanceof VerifyError ? error : notFitting(dir, error);
  } finally {
    capture.stop();
  }
}

/** The result alone. */
export async function replayFolder(dir: string): Promise<Result> {
  return (await judgeFolder(dir)).result;
}

/** Judges again, so that result and hashes include the fixes. */
export async function keepFixes(dir: string, records: readonly FixRecord[]): Promise<Result> {
  await writeJson(dir, files.fixes.name, records);
  const { result } = await judgeAsItIs(dir);
  await writeJson(dir, files.result.name, result);
  await writeSums(dir);
  return result;
}

async function* hashing(
  bytes: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Judges a growing capture. Gives the SHA-256 of its bytes, hex. */
export async function judgePartial(judging: JudgeState<JudgeStart>, partial: PartialFile): Promise<string> {
  const hash = createHash('sha256');
  await addCapture(judging, readCaptureOf(hashing(partial.read(), hash), { fleeting: true }));
  return hash.digest('hex');
}
