import type { Result } from '../core/model/result.js';
import type { CaptureItem } from '../core/pcap/capture-items.js';
import { evidenceInterfaces } from '../core/plan/evidence-interfaces.js';
import {
  addBatch,
  addDamage,
  finishJudging,
  type JudgeInput,
  type JudgeStart,
  type Judging,
  startJudging,
} from '../judge/judge.js';
import { escapeText } from '../model/escape-text.js';
import { capturePath, files } from '../system/evidence/folder/folder.js';
import { parseFolder } from '../system/evidence/folder/parse-folder.js';
import { hashedOctets } from '../system/evidence/read/hashed-bytes.js';
import { readCaptureOf } from '../system/evidence/read/read-capture.js';
import { hashedBeside, withCapture } from './hash.js';

/** Adds what evidence.pcapng holds to a judgement. */
export async function addCapture(judging: Judging<JudgeStart>, items: AsyncIterable<CaptureItem>): Promise<void> {
  const blocks = evidenceInterfaces(judging.input.plan);
  for await (const item of items) {
    switch (item.kind) {
      case 'batch':
        addBatch(judging, item);
        break;
      case 'damage':
        addDamage(judging, `${files.capture}, offset ${item.offset}: ${item.message}`);
        break;
      case 'interface':
        if (escapeText(blocks[item.id]?.description ?? '') !== escapeText(item.description ?? ''))
          addDamage(judging, `${files.capture}: interface ${item.id} is not the observer that the plan has there`);
        break;
      case 'section':
      case 'statistics':
        break;
    }
  }
}

/** The result, and all that it rests on but the capture. */
export interface JudgedRun {
  readonly result: Result;
  readonly input: JudgeInput;
}

/**
 * Judges a run's folder from its files alone: the same function for the run itself and for a later replay, without root
 * and without a network, so both give the same result, byte for byte. What is judged and what is hashed are the same
 * octets. VerifyError 64 where the folder is not a run's.
 */
export async function judgeFolder(dir: string): Promise<JudgedRun> {
  return judgeCapture(dir, () => parseFolder(dir));
}

/** As `judgeFolder`, of a folder of which `inputOf` gives all but the capture. */
export async function judgeCapture(dir: string, inputOf: () => Promise<JudgeInput>): Promise<JudgedRun> {
  const path = await capturePath(dir);
  const capture = hashedOctets(path);
  try {
    const input = await inputOf();
    const beside = await hashedBeside(dir); // now, since at the end of a large capture all waits for its hash
    const judging = startJudging(input);
    await addCapture(judging, readCaptureOf(capture.octets, { fleeting: true }));
    const sha256 = await capture.sha256().catch(() => null);
    return { result: finishJudging(judging, { sha256, files: withCapture(beside, sha256) }), input };
  } finally {
    capture.stop();
  }
}

/** The result alone. */
export async function replayFolder(dir: string): Promise<Result> {
  return (await judgeFolder(dir)).result;
}
