import { join } from 'node:path';
import { directions } from '../../../src/core/pcap/capture-items.js';
import { findToken, tokenIndex } from '../../../src/core/wire/token.js';
import { files } from '../../../src/system/evidence/folder/folder.js';
import { parseFolder } from '../../../src/system/evidence/folder/parse-folder.js';
import { readCapture } from '../../../src/system/evidence/read/read-capture.js';

/**
 * Controls that enter, in a run's evidence, by `STEP INTERFACE in` and `STEP INTERFACE out`, the step counted from 1.
 */
export async function enteringFrames(dir: string): Promise<Readonly<Record<string, number>>> {
  const { plan } = await parseFolder(dir);
  const stepOf = new Map(
    plan.steps.flatMap((step) =>
      step.controls
        .filter(({ kind, sender }) => kind === 'ear' && sender !== null)
        .map(({ index }) => [index, step.index + 1]),
    ),
  );
  const seen: Record<string, number> = {};
  const names: string[] = [];
  for await (const item of readCapture(join(dir, files.capture.name))) {
    if (item.kind === 'interface') names[item.id] = item.name ?? '?';
    if (item.kind !== 'batch') continue;
    for (let packet = 0; packet < item.count; packet += 1) {
      const start = item.offset[packet] ?? 0;
      const token = findToken(item.bytes, start, start + (item.captured[packet] ?? 0), plan.runTag, -1);
      const step = token === null ? undefined : stepOf.get(tokenIndex(item.bytes, token.at));
      if (step === undefined) continue;
      const key = `${step} ${names[item.interfaceId[packet] ?? -1] ?? '?'} ${item.direction[packet] === directions.in ? 'in' : 'out'}`;
      seen[key] = (seen[key] ?? 0) + 1;
    }
  }
  return seen;
}
