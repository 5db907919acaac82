import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createClassifier, type Sighting, tagsOf } from '../judge/classify.js';
import { controlComment, leakComment } from '../judge/leak-comment.js';
import type { Plan } from '../model/plan.js';
import type { Counters } from '../model/timeline.js';
import { evidenceInterfaces } from '../plan/evidence-interfaces.js';
import { directions } from '../pcap/capture-items.js';
import { highHalf, lowHalf, nsOf, timeWords } from '../pcap/time-words.js';
import { enhancedPacket, interfaceDescription, interfaceStatistics, sectionHeader } from '../pcap/pcapng-writer.js';
import { createBlockWriter } from './block-writer.js';
import { files } from './folder.js';
import { type RawFrames, readRawFrames } from './raw-frames.js';

/** Comments on leaks stop here for each row: a hub would else write more comment than capture. */
const mostComments = 1000;

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
  /** By the name of a raw capture: how many ns its host's clock is ahead; those that are not in it have the orchestrator's time. */
  readonly clocks: ReadonlyMap<string, bigint>;
  /** Last counters by step and observer, for the statistics blocks. */
  readonly counters: readonly Readonly<Record<string, Counters>>[];
}

function tokenIndex(sighting: Sighting): number | null {
  switch (sighting.kind) {
    case 'probe':
      return sighting.flow.first + sighting.sequence;
    case 'control':
      return sighting.control.index;
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
  const classify = createClassifier(plan, tagsOf(plan, input.key));
  const path = join(dir, files.capture);
  const out = createBlockWriter(path);
  out.block(sectionHeader({ application: input.application, os: 'Linux', comment: `scenario ${plan.name}` }));
  for (const { step, name, description } of blocks) {
    out.block(interfaceDescription({ name, description, filter: plan.steps[step]?.filter ?? '', snaplen: plan.steps[step]?.snaplen ?? 0, os: 'Linux' }));
  }
  const raw = await readdir(join(dir, files.raw)).catch(() => []);
  const damages: string[] = [];
  const comments = new Map<string, number>();
  let packets = 0;
  let [timeHigh, timeLow] = [0, 0];
  let timesOf: BigInt64Array | null = null;
  let times: Uint32Array = new Uint32Array(0);
  const write = (frames: RawFrames): void => {
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
      const leak = leakComment({ bytes: batch.bytes, classified, step: listened, observer, towards }, plan);
      const row = leak === null ? '' : classified.sighting.kind === 'probe' ? `${classified.sighting.flow.id}/${observer.name}` : observer.name;
      const told = comments.get(row) ?? 0;
      if (leak !== null) comments.set(row, told + 1);
      const comment = leak !== null && told < mostComments ? leak : controlComment(classified);
      if (batch.timeNs !== timesOf) {
        timesOf = batch.timeNs;
        times = timeWords(batch.timeNs);
      }
      timeHigh = times[2 * packet + highHalf] ?? 0;
      timeLow = times[2 * packet + lowHalf] ?? 0;
      const packetId = tokenIndex(classified.sighting);
      if (direction !== directions.unknown && comment === null) {
        out.packet({
          interfaceId, timeHigh, timeLow, bytes: batch.bytes, from: start, captured: end - start,
          original: batch.original[packet] ?? 0, direction, packetId: packetId ?? -1,
        });
      } else {
        out.block(enhancedPacket({
          interfaceId, timeNs: nsOf({ high: timeHigh, low: timeLow }), originalLength: batch.original[packet] ?? 0, data: batch.bytes.subarray(start, end), direction,
          packetId: packetId === null ? null : BigInt(packetId), comments: comment === null ? [] : [comment],
        }));
      }
      packets += 1;
    }
  };
  for (const step of plan.steps) {
    const own = raw.filter((name) => name.startsWith(`${step.index + 1}-`)).sort().map((name) => join(dir, files.raw, name));
    for await (const frames of readRawFrames(own, blocks, damages, input.clocks)) write(frames);
  }
  const lastNs = nsOf({ high: timeHigh, low: timeLow });
  for (const [interfaceId, { step, observer }] of blocks.entries()) {
    const name = plan.steps[step]?.observers[observer]?.name ?? '';
    const counters = input.counters[step]?.[name];
    if (counters === undefined) continue;
    out.block(interfaceStatistics({
      interfaceId, timeNs: lastNs, received: BigInt(counters.received), dropped: BigInt(counters.dropped), delivered: BigInt(counters.delivered),
    }));
  }
  const sha256 = out.finish();
  await rm(join(dir, files.raw), { recursive: true, force: true });
  return { sha256, packets, damages };
}
