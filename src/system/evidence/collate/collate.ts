import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DiscardedFrames, framesOfLine } from '../../../core/judge/count/discarded.js';
import type { Plan } from '../../../core/model/plan.js';
import { type Batch, packetDirection, directions } from '../../../core/pcap/capture-items.js';
import type { PacketHead } from '../../../core/pcap/pcapng/packet-block.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../../core/pcap/pcapng/writer.js';
import { highHalf, lowHalf, nsOf, timeWords } from '../../../core/pcap/time-words.js';
import { isTowards } from '../../../core/plan/observers.js';
import {
  type EvidenceInterface,
  evidenceInterfaces,
  type StepObserver,
  stepObservers,
} from '../../../core/plan/evidence-interfaces.js';
import { cannotWrite, files, writeWhole } from '../folder/folder.js';
import { BlockWriter } from './block-writer.js';
import { type FrameNote, FrameNotes } from './frame-notes.js';
import { createLeakStore, isMesh, type LeakStore } from './keep-leaks.js';
import { type RawCaptures, type StepCounters, wholeCaptures } from './raw-captures.js';
import { readRawFrames } from './raw-frames.js';

export interface Collation {
  readonly sha256: string;
  readonly packets: number;
  readonly damages: readonly string[];
  /** Frames only counted, and the SHA-256 of discarded.ndjson. null = all were kept. */
  readonly discarded: { readonly frames: number; readonly sha256: string } | null;
}

export interface CollateInput {
  readonly dir: string;
  /** Absent = evidence.pcapng. */
  readonly path?: string;
  readonly plan: Plan;
  readonly key: Uint8Array;
  readonly application: string;
  /** By raw capture: ns that its host's clock is ahead. Absent = the orchestrator's time. */
  readonly clocks: ReadonlyMap<string, bigint>;
  /** By raw capture. Absent = all are the orchestrator's. */
  readonly hosts?: ReadonlyMap<string, string>;
  readonly keep: 'leaks' | 'all';
  /** By step: observers without directions. */
  readonly inferred: readonly ReadonlySet<string>[];
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
  const path = join(dir, files.discarded.name);
  await writeWhole(path, text).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  return {
    frames: lines.reduce((sum, line) => sum + framesOfLine(line), 0),
    sha256: createHash('sha256').update(text).digest('hex'),
  };
}

/**
 * Merges raw captures into evidence.pcapng, the judge's only capture, and deletes them. It has an interface block for
 * each step's observer, and a step's frames by time. A frame has its direction, packet id (token index) and a comment
 * if it leaks. `reported` receives the file's length.
 */
export async function collate(
  input: CollateInput,
  { reported, captures = wholeCaptures(input) }: CollateOptions = {},
): Promise<Collation> {
  const { dir, plan, clocks, hosts } = input;
  const damages: string[] = [];
  const writer = new EvidenceWriter(input, reported);
  const { together, read, release } = captures;
  const misplaced: string[] = [];
  const onMisplaced = (text: string): void => void misplaced.push(text);
  const reading = { blocks: writer.blocks, damages, clocks, hosts, onMisplaced, together, read, release };
  for (const step of plan.steps) {
    for await (const frames of readRawFrames(await captures.capturesOfStep(step.index), reading))
      frames.each((batch, packet, interfaceId) => writer.writeFrame(batch, packet, interfaceId));
  }
  for (const text of misplaced) writer.writeMisplaced(text);
  writer.writeStatistics(await captures.counters());
  const { sha256, packets, lines } = writer.finish();
  const discarded = lines === null ? null : await writeDiscarded(dir, lines);
  await rm(join(dir, files.raw.name), { recursive: true, force: true });
  return { sha256, packets, damages, discarded };
}

class EvidenceWriter {
  readonly blocks: readonly EvidenceInterface[];
  private readonly input: CollateInput;
  private readonly out: BlockWriter;
  private readonly observers: readonly (StepObserver | null)[];
  private readonly notes: FrameNotes;
  /** null = all frames are kept. */
  private readonly leaks: LeakStore | null;
  private packets = 0;
  private readonly head: PacketHead = {
    interfaceId: 0,
    timeHigh: 0,
    timeLow: 0,
    bytes: new Uint8Array(0),
    from: 0,
    captured: 0,
    original: 0,
    direction: directions.unknown,
  };
  private timeHigh = 0;
  private timeLow = 0;
  private timesOf: BigInt64Array | null = null;
  private times: Uint32Array = new Uint32Array(0);

  constructor(input: CollateInput, reported: CollateOptions['reported']) {
    const { dir, plan, path = join(dir, files.capture.name), keep, inferred } = input;
    this.input = input;
    this.blocks = evidenceInterfaces(plan);
    this.notes = new FrameNotes(plan, input.key);
    this.observers = stepObservers(plan);
    this.leaks =
      keep === 'all' && !plan.steps.some(isMesh)
        ? null
        : createLeakStore({ keep, plan, observers: this.observers, inferred });
    this.out = new BlockWriter(path, reported);
    this.writeHeads();
  }

  private writeHeads(): void {
    const { plan, application } = this.input;
    this.out.writeBlock(sectionHeader({ application, os: 'Linux', comment: `scenario ${plan.name}` }));
    for (const { step, name, description } of this.blocks) {
      const { filter = '', snaplen = 0 } = plan.steps[step] ?? {};
      this.out.writeBlock(interfaceDescription({ name, description, filter, snaplen, os: 'Linux' }));
    }
  }

  /** Counts the frame if it need not be kept. */
  writeFrame(batch: Batch, packet: number, interfaceId: number): void {
    const source = this.observers[interfaceId];
    if (source === undefined || source === null) return;
    const from = batch.offset[packet] ?? 0;
    const end = from + (batch.captured[packet] ?? 0);
    const direction = packetDirection(batch, packet);
    const towards = isTowards(source.observer, direction === directions.out);
    const note = this.notes.noteOf(batch.bytes, from, end, source, towards);
    if (direction !== directions.unknown && this.mayGo(interfaceId, note)) return;
    this.takeTime(batch, packet);
    const { head } = this;
    head.interfaceId = interfaceId;
    head.timeHigh = this.timeHigh;
    head.timeLow = this.timeLow;
    head.bytes = batch.bytes;
    head.from = from;
    head.captured = end - from;
    head.original = batch.original[packet] ?? 0;
    head.direction = direction;
    if (direction === directions.unknown) this.writeUndirected(head, note);
    else this.out.writePacket(head, note);
    this.packets += 1;
  }

  private mayGo(interfaceId: number, note: Readonly<FrameNote>): boolean {
    const { probe, sequence } = note;
    return this.leaks !== null && probe !== null && this.leaks.mayGo(interfaceId, probe, sequence, note);
  }

  private takeTime(batch: Batch, packet: number): void {
    if (batch.timeNs !== this.timesOf) {
      this.timesOf = batch.timeNs;
      this.times = timeWords(batch.timeNs);
    }
    this.timeHigh = this.times[2 * packet + highHalf] ?? 0;
    this.timeLow = this.times[2 * packet + lowHalf] ?? 0;
  }

  private writeUndirected(head: Readonly<PacketHead>, { packetId, comment }: Readonly<FrameNote>): void {
    const { interfaceId, timeHigh, timeLow, bytes, from, captured, original, direction } = head;
    this.out.writeBlock(
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

  /** For the judge, an interface outside the plan is damage. */
  writeMisplaced(description: string): void {
    this.out.writeBlock(interfaceDescription({ name: '', description, filter: '', snaplen: 0, os: 'Linux' }));
  }

  writeStatistics(counters: StepCounters): void {
    const timeNs = nsOf({ high: this.timeHigh, low: this.timeLow });
    for (const [interfaceId, source] of this.observers.entries()) {
      const counted = source === null ? undefined : counters[source.step.index]?.[source.observer.name];
      if (counted === undefined) continue;
      this.out.writeBlock(
        interfaceStatistics({
          interfaceId,
          timeNs,
          received: BigInt(counted.received),
          dropped: BigInt(counted.dropped),
          delivered: BigInt(counted.delivered),
        }),
      );
    }
  }

  /** `lines`: frames only counted. null = all were kept. */
  finish(): { readonly sha256: string; readonly packets: number; readonly lines: readonly DiscardedFrames[] | null } {
    const sha256 = this.out.finish();
    const lines = this.leaks?.lines() ?? null;
    const isWhole = this.input.keep === 'all' && lines?.length === 0;
    return { sha256, packets: this.packets, lines: isWhole ? null : lines };
  }
}
