import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keptEnd } from '../../core/wire/frame-view.js';
import type { Result } from '../../core/model/result.js';
import { reportForm } from '../../core/model/run-record.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type Batch, packetDirection } from '../../core/pcap/capture-items.js';
import { readPacketOptions } from '../../core/pcap/pcapng/options.js';
import { enhancedPacket, interfaceAsRead, interfaceStatistics, sectionHeader } from '../../core/pcap/pcapng/writer.js';
import { mustBeWhole } from './check-folder.js';
import { logCustody, rootHash } from './folder/custody.js';
import { files, writeJson } from './folder/folder.js';
import { openNewFile } from './folder/named-file.js';
import { hashFile, writeSums } from './folder/hash.js';
import { parseFolder } from './folder/parse-folder.js';
import { readCapture } from './read/read-capture.js';
import { judgeAsItIs, replayFolder } from './replay.js';

function cutPacket(
  batch: Batch,
  packet: number,
  runTag: number,
): { readonly block: Uint8Array; readonly removed: number } {
  const start = batch.offset[packet] ?? 0;
  const end = start + (batch.captured[packet] ?? 0);
  const cutAt = keptEnd(batch.bytes, start, end, runTag);
  const block = enhancedPacket({
    interfaceId: batch.interfaceId[packet] ?? 0,
    timeNs: batch.timeNs[packet] ?? 0n,
    originalLength: batch.original[packet] ?? 0,
    data: batch.bytes.subarray(start, cutAt),
    direction: packetDirection(batch, packet),
    ...readPacketOptions(batch, packet),
  });
  return { block, removed: end - cutAt };
}

async function cutPayload(from: string, to: string, runTag: number): Promise<number> {
  const out = createWriteStream('', { fd: openNewFile(to) });
  const write = async (block: Uint8Array): Promise<void> => {
    if (!out.write(block)) await once(out, 'drain');
  };
  let removed = 0;
  let lastNs = 0n;
  for await (const item of readCapture(from)) {
    switch (item.kind) {
      case 'section':
        await write(
          sectionHeader({
            application: item.application,
            os: item.os,
            hardware: item.hardware,
            comment: [...item.comments, 'payload was purged'].join('; '),
          }),
        );
        break;
      case 'interface':
        await write(interfaceAsRead(item));
        break;
      case 'batch':
        for (let i = 0; i < item.count; i += 1) {
          const cut = cutPacket(item, i, runTag);
          removed += cut.removed;
          lastNs = item.timeNs[i] ?? lastNs;
          await write(cut.block);
        }
        break;
      case 'statistics':
        await write(interfaceStatistics({ ...item, timeNs: item.endNs ?? lastNs }));
        break;
      case 'damage':
        throw new VerifyError(
          'capture-damaged',
          3,
          `${from}, offset ${item.offset}: ${item.message}`,
          'Nothing was changed.',
        );
    }
  }
  await new Promise<void>((resolve, reject) => {
    out.on('error', reject);
    out.end(resolve);
  });
  return removed;
}

/**
 * Removes payload but headers and tokens, judges and hashes again, logs that in run.json and custody log, and deletes
 * the void signature. VerifyError 3 if the folder is not intact.
 */
export async function purgeFolder(
  dir: string,
  at: string,
): Promise<{ readonly removed: number; readonly result: Result }> {
  await mustBeWhole(dir);
  const { plan, run } = await parseFolder(dir);
  const before = await rootHash(dir);
  const verdict = (await replayFolder(dir)).verdict;
  const path = join(dir, files.capture.name);
  const part = `${path}.part`;
  try {
    await rm(part, { force: true }); // of a killed purge
    const removed = await cutPayload(path, part, plan.runTag);
    const sha256 = await hashFile(part);
    await rename(part, path);
    await rm(join(dir, files.signature.name), { force: true });
    await writeJson(dir, files.run.name, {
      ...run,
      reportForm,
      capture: run.capture === null ? null : { ...run.capture, sha256 },
      purged: { at, sha256Before: run.purged?.sha256Before ?? run.capture?.sha256 ?? '' },
    });
    const { result } = await judgeAsItIs(dir);
    await writeJson(dir, files.result.name, result);
    await writeSums(dir);
    await logCustody(dir, {
      action: 'purged',
      before,
      text: `${removed} bytes of payload removed; verdict ${verdict}, judged again ${result.verdict}`,
    });
    return { removed, result };
  } finally {
    await rm(part, { force: true });
  }
}
