import { addBatch, addDamage, finishJudging, type JudgeInput, type Judging, startJudging } from '../judge/judge.js';
import { escapeText } from '../model/escape-text.js';
import type { Result } from '../model/result.js';
import type { CaptureItem } from '../pcap/capture-items.js';
import { evidenceInterfaces } from '../plan/evidence-interfaces.js';
import { capturePath, files } from './folder.js';
import { hashCapture } from './hash-capture.js';
import { hashedFiles } from './hash.js';
import { parseFolder } from './parse-folder.js';
import { readCapture } from './read-capture.js';

/** Adds what evidence.pcapng holds to a judgement. */
export async function addCapture(judging: Judging, items: AsyncIterable<CaptureItem>): Promise<void> {
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
        if (escapeText(blocks[item.id]?.description ?? '') !== escapeText(item.description ?? '')) addDamage(judging, `${files.capture}: interface ${item.id} is not the observer that the plan has there`);
        break;
      case 'section':
      case 'statistics':
        break;
    }
  }
}

/**
 * Judges a run's folder from its files alone: the same function for the run itself and for a later replay, without root
 * and without a network, so both give the same result, byte for byte. VerifyError 64 where the folder is not a run's. `known`: what `parseFolder` gives, where it is at hand.
 */
export async function replayFolder(dir: string, known: JudgeInput | null = null): Promise<Result> {
  const path = await capturePath(dir);
  const hash = hashCapture(path);
  try {
    const judging = startJudging(known ?? await parseFolder(dir));
    await addCapture(judging, readCapture(path, { fleeting: true }));
    const hashed = await hashedFiles(dir, hash.sha256);
    return finishJudging(judging, { sha256: hashed.find((one) => one.path === files.capture)?.sha256 ?? null, files: hashed });
  } finally {
    hash.stop();
  }
}
