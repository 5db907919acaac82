import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createClassifier, type Sighting } from '../judge/classify.js';
import { leakComment } from '../judge/leak-comment.js';
import type { Plan } from '../model/plan.js';
import type { Counters } from '../model/timeline.js';
import { evidenceInterfaces } from '../plan/evidence-interfaces.js';
import { directions } from '../pcap/capture-items.js';
import { enhancedPacket, interfaceDescription, interfaceStatistics, sectionHeader } from '../pcap/pcapng-writer.js';
import { files } from './folder.js';
import { hashFile } from './hash.js';
import { readRawFrames } from './raw-frames.js';

/** Comments on leaks stop here for each row: a hub would else write more comment than capture. */
const mostComments = 1000;
const flushLength = 1 << 20;

export interface Collation {
  readonly sha256: string;
  readonly packets: number;
  readonly damages: readonly string[];
}

export interface CollateInput {
  readonly dir: string;
  readonly plan: Plan;
  readonly key: Uint8Array;
  readonly application: string;
  /** Last counters by step and observer, for the statistics blocks. */
  readonly counters: readonly Readonly<Record<string, Counters>>[];
}

function tokenIndex(sighting: Sighting): bigint | null {
  switch (sighting.kind) {
    case 'probe':
      return BigInt(sighting.flow.first + sighting.sequence);
    case 'control':
      return BigInt(sighting.control.index);
    case 'forged':
    case 'none':
      return null;
  }
}

/**
 * Merges the raw captures into evidence.pcapng: an interface block for each observer of each step, frames by time within
 * their step, with direction, packet id (the token's index) and a comment on leaks; statistics at the end. Then the raw
 * captures go. The judge reads this file only.
 */
export async function collate(input: CollateInput): Promise<Collation> {
  const { dir, plan } = input;
  const blocks = evidenceInterfaces(plan);
  const classify = createClassifier(plan, input.key);
  const path = join(dir, files.capture);
  const out = createWriteStream(path, { mode: 0o600 });
  let pending: Uint8Array[] = [];
  let pendingLength = 0;
  const flush = async (): Promise<void> => {
    const octets = Buffer.concat(pending);
    pending = [];
    pendingLength = 0;
    if (!out.write(octets)) await once(out, 'drain');
  };
  const write = async (block: Uint8Array): Promise<void> => {
    pending.push(block);
    pendingLength += block.length;
    if (pendingLength >= flushLength) await flush();
  };
  await write(sectionHeader({ application: input.application, os: 'Linux', comment: `scenario ${plan.name}` }));
  for (const { step, name, description } of blocks) {
    await write(interfaceDescription({ name, description, filter: plan.steps[step]?.filter ?? '', snaplen: plan.steps[step]?.snaplen ?? 0, os: 'Linux' }));
  }
  const raw = await readdir(join(dir, files.raw)).catch(() => []);
  const damages: string[] = [];
  const comments = new Map<string, number>();
  let packets = 0;
  let lastNs = 0n;
  for (const step of plan.steps) {
    const own = raw.filter((name) => name.startsWith(`${step.index + 1}-`)).sort().map((name) => join(dir, files.raw, name));
    const frames = await readRawFrames(own, blocks);
    damages.push(...frames.damages);
    for (let i = 0; i < frames.count; i += 1) {
      const { batch, packet, interfaceId } = frames.at(i);
      const block = blocks[interfaceId];
      const listened = block === undefined ? undefined : plan.steps[block.step];
      const observer = listened?.observers[block?.observer ?? -1];
      if (listened === undefined || observer === undefined) continue;
      const start = batch.offset[packet] ?? 0;
      const end = start + (batch.captured[packet] ?? 0);
      const classified = classify(batch.bytes, start, end);
      const direction = batch.direction[packet] === directions.out ? directions.out : batch.direction[packet] === directions.in ? directions.in : directions.unknown;
      const towards = observer.place === 'bridge' ? direction !== directions.out : direction === directions.out;
      const comment = leakComment({ bytes: batch.bytes, classified, step: listened, observer, towards }, plan);
      const row = classified.sighting.kind === 'probe' ? `${classified.sighting.flow.id}/${observer.name}` : observer.name;
      const told = comments.get(row) ?? 0;
      if (comment !== null) comments.set(row, told + 1);
      lastNs = batch.timeNs[packet] ?? lastNs;
      await write(enhancedPacket({
        interfaceId, timeNs: lastNs, originalLength: batch.original[packet] ?? 0, data: batch.bytes.subarray(start, end), direction,
        packetId: tokenIndex(classified.sighting), comments: comment === null || told >= mostComments ? [] : [comment],
      }));
      packets += 1;
    }
  }
  for (const [interfaceId, { step, observer }] of blocks.entries()) {
    const name = plan.steps[step]?.observers[observer]?.name ?? '';
    const counters = input.counters[step]?.[name];
    if (counters === undefined) continue;
    await write(interfaceStatistics({
      interfaceId, timeNs: lastNs, received: BigInt(counters.received), dropped: BigInt(counters.dropped), delivered: BigInt(counters.delivered),
    }));
  }
  await flush();
  await new Promise<void>((resolve, reject) => {
    out.on('error', reject);
    out.end(resolve);
  });
  await rm(join(dir, files.raw), { recursive: true, force: true });
  return { sha256: await hashFile(path), packets, damages };
}
