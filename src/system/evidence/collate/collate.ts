import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { framesOfLine } from '../../../core/judge/count/count-discarded.js';
import type { DiscardedFrames } from '../../../core/judge/count/discarded.js';
import type { Plan } from '../../../core/model/plan.js';
import { currentRules, type VerdictRules } from '../../../core/model/provenance.js';
import { packetDirection, directions } from '../../../core/pcap/capture-items.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../../core/pcap/pcapng/writer.js';
import { highHalf, lowHalf, nsOf, timeWords } from '../../../core/pcap/time-words.js';
import { isTowards } from '../../../core/plan/observers.js';
import { evidenceInterfaces } from '../../../core/plan/evidence-interfaces.js';
import { cannotWrite, files, writeWhole } from '../folder/folder.js';
import { createBlockWriter } from './block-writer.js';
import { createFrameNotes } from './frame-notes.js';
import { createLeakStore, isMesh } from './keep-leaks.js';
import { type RawCaptures, type StepCounters, wholeCaptures } from './raw-captures.js';
import { readRawFrames, type TakeRawFrame } from './raw-frames.js';

export interface Collation {
  readonly sha256: string;
  readonly packets: number;
  readonly damages: readonly string[];
  /** Frames that were counted and not kept, and the SHA-256 of discarded.ndjson; null = all were kept. */
  readonly discarded: { readonly frames: number; readonly sha256: string } | null;
}

export interface CollateInput {
  readonly dir: string;
  /** The file that is written, where it is not evidence.pcapng. */
  readonly path?: string;
  readonly plan: Plan;
  readonly key: Uint8Array;
  readonly application: string;
  /**
   * By the name of a raw capture: how many ns its host's clock is ahead; those that are not in it have the
   * orchestrator's time.
   */
  readonly clocks: ReadonlyMap<string, bigint>;
  /** Which frames stay in the evidence. */
  readonly keep: 'leaks' | 'all';
  /** The rules that the run is judged by; those of today where it is not said. */
  readonly rules?: VerdictRules;
  /** By step: observers whose engine does not know directions. */
  readonly inferred: readonly ReadonlySet<string>[];
  /** Last counters by step and observer, for the statistics blocks. */
  readonly counters: StepCounters;
}

export interface CollateOptions {
  readonly reported?: (bytes: number) => void;
  readonly captures?: RawCaptures;
}

async function writeDiscarded(
  dir: string,
  lines: readonly DiscardedFrames[],
): Promise<NonNullable<Collation['discarded']>> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const path = join(dir, files.discarded);
  await writeWhole(path, text).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  return {
    frames: lines.reduce((sum, line) => sum + framesOfLine(line), 0),
    sha256: createHash('sha256').update(text).digest('hex'),
  };
}

/**
 * Merges the raw captures into evidence.pcapng: an interface block for each observer of each step, frames by time
 * within their step, with direction, packet id (the token's index) and a comment on leaks; statistics at the end. Then
 * the raw captures go. The judge reads this file only. `reported` hears how many bytes it has so far; `captures` are those
 * of the folder, and whole, unless it is said otherwise.
 */
export async function collate(
  input: CollateInput,
  { reported, captures = wholeCaptures(input) }: CollateOptions = {},
): Promise<Collation> {
  const { dir, plan, path = join(dir, files.capture), rules = currentRules } = input;
  const blocks = evidenceInterfaces(plan);
  const noteOf = createFrameNotes(plan, input.key, rules);
  const listeners = blocks.map(({ step, observer }) => {
    const listened = plan.steps[step];
    const one = listened?.observers[observer];
    return listened === undefined || one === undefined ? null : { step: listened, observer: one };
  });
  const { keep, inferred } = input;
  const discarding =
    keep === 'all' && !plan.steps.some(isMesh) ? null : createLeakStore({ keep, plan, rules, listeners, inferred });
  const out = createBlockWriter(path, reported);
  out.block(sectionHeader({ application: input.application, os: 'Linux', comment: `scenario ${plan.name}` }));
  for (const { step, name, description } of blocks) {
    out.block(
      interfaceDescription({
        name,
        description,
        filter: plan.steps[step]?.filter ?? '',
        snaplen: plan.steps[step]?.snaplen ?? 0,
        os: 'Linux',
      }),
    );
  }
  const damages: string[] = [];
  let packets = 0;
  let [timeHigh, timeLow] = [0, 0];
  let timesOf: BigInt64Array | null = null;
  let times: Uint32Array = new Uint32Array(0);
  const write: TakeRawFrame = (batch, packet, interfaceId) => {
    const listener = listeners[interfaceId];
    if (listener === undefined || listener === null) return;
    const { step, observer } = listener;
    const { bytes } = batch;
    const from = batch.offset[packet] ?? 0;
    const captured = batch.captured[packet] ?? 0;
    const original = batch.original[packet] ?? 0;
    const direction = packetDirection(batch, packet);
    const towards = isTowards(observer, direction === directions.out);
    const { packetId, comment, probe, sequence } = noteOf(bytes, from, from + captured, step, observer, towards);
    if (
      discarding !== null &&
      probe !== null &&
      direction !== directions.unknown &&
      discarding.mayGo(interfaceId, probe, sequence, towards)
    )
      return;
    if (batch.timeNs !== timesOf) {
      timesOf = batch.timeNs;
      times = timeWords(batch.timeNs);
    }
    timeHigh = times[2 * packet + highHalf] ?? 0;
    timeLow = times[2 * packet + lowHalf] ?? 0;
    if (direction !== directions.unknown) {
      out.packet({ interfaceId, timeHigh, timeLow, bytes, from, captured, original, direction, packetId, comment });
    } else {
      out.block(
        enhancedPacket({
          interfaceId,
          timeNs: nsOf({ high: timeHigh, low: timeLow }),
          originalLength: original,
          data: bytes.subarray(from, from + captured),
          direction,
          packetId: packetId < 0 ? null : BigInt(packetId),
          comments: comment === null ? [] : [comment],
        }),
      );
    }
    packets += 1;
  };
  for (const step of plan.steps) {
    for await (const frames of readRawFrames(
      await captures.ofStep(step.index),
      blocks,
      damages,
      input.clocks,
      captures.together,
      captures.read,
    ))
      frames.each(write);
  }
  const ofSteps = await captures.counters();
  const lastNs = nsOf({ high: timeHigh, low: timeLow });
  for (const [interfaceId, { step, observer }] of blocks.entries()) {
    const name = plan.steps[step]?.observers[observer]?.name ?? '';
    const counters = ofSteps[step]?.[name];
    if (counters === undefined) continue;
    out.block(
      interfaceStatistics({
        interfaceId,
        timeNs: lastNs,
        received: BigInt(counters.received),
        dropped: BigInt(counters.dropped),
        delivered: BigInt(counters.delivered),
      }),
    );
  }
  const sha256 = out.finish();
  const lines = discarding?.lines() ?? [];
  const nothingWent = discarding === null || (keep === 'all' && lines.length === 0);
  const discarded = nothingWent ? null : await writeDiscarded(dir, lines);
  await rm(join(dir, files.raw), { recursive: true, force: true });
  return { sha256, packets, damages, discarded };
}
