import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { type Classify, createClassifier, tagsOf, tokenIndexOf } from '../../core/judge/recognise/classify.js';
import { keptEnd } from '../../core/wire/frame-view.js';
import { createParties } from '../../core/judge/parties.js';
import { controlComment, isControlComment, leakComment } from '../../core/judge/recognise/leak-comment.js';
import type { Plan } from '../../core/model/plan.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type Batch, packetDirection, directions } from '../../core/pcap/capture-items.js';
import { classicHeader, classicRecord } from '../../core/pcap/classic/writer.js';
import { readPacketOptions } from '../../core/pcap/pcapng/options.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../core/pcap/pcapng/writer.js';
import { isTowards } from '../../core/plan/observers.js';
import { evidenceInterfaces } from '../../core/plan/evidence-interfaces.js';
import { capturePath } from './folder/folder.js';
import { parseFolder } from './folder/parse-folder.js';
import { readCapture } from './read/read-capture.js';

export interface ExportOptions {
  readonly only: 'leaks' | null;
  /** Name of the one observer to keep; null = all. */
  readonly observer: string | null;
  /** Packet ids (token indices), first and last; null = all frames, also those without token. */
  readonly probes: { readonly first: number; readonly last: number } | null;
  /** ns since 1970, both ends included; null = without bound. */
  readonly fromNs: bigint | null;
  readonly untilNs: bigint | null;
  /** Cut every frame behind its headers and token. */
  readonly snap: 'headers' | null;
  /**
   * Classic pcap cannot say of a frame that it is a control, so that `replay --mac` would take it for something
   * overheard: true keeps them in one all the same.
   */
  readonly controls: boolean;
}

/** What was not written although the options did not rule it out. */
export interface Exported {
  readonly controlsLeftOut: number;
}

/** One packet that is to be kept, as a block or record of the output. */
type Encode = (batch: Batch, packet: number, data: Uint8Array) => Uint8Array;

/** Controls are marked as such, also where the run's own capture does not (before version 0.2). */
function comments(classify: Classify, batch: Batch, packet: number, written: readonly string[]): readonly string[] {
  if (written.some(isControlComment)) return written;
  const start = batch.offset[packet] ?? 0;
  const control = controlComment(classify(batch.bytes, start, start + (batch.captured[packet] ?? 0)));
  return control === null ? written : [...written, control];
}

const pcapngEncoder =
  (classify: Classify): Encode =>
  (batch, packet, data) => {
    const options = readPacketOptions(batch, packet);
    const direction = packetDirection(batch, packet);
    return enhancedPacket({
      interfaceId: batch.interfaceId[packet] ?? 0,
      timeNs: batch.timeNs[packet] ?? 0n,
      originalLength: batch.original[packet] ?? 0,
      data,
      direction,
      packetId: options.packetId,
      comments: comments(classify, batch, packet, options.comments),
    });
  };

const encodePcap: Encode = (batch, packet, data) =>
  classicRecord('nano', { timeNs: batch.timeNs[packet] ?? 0n, originalLength: batch.original[packet] ?? 0, data });

/**
 * Says of a packet whether it is kept: by observer, and by whether it is a leak (judged anew, comments are not
 * believed).
 */
function chooser(plan: Plan, classify: Classify, options: ExportOptions): (batch: Batch, packet: number) => boolean {
  const blocks = evidenceInterfaces(plan);
  const parties = createParties(plan.endpoints);
  return (batch, packet) => {
    const timeNs = batch.timeNs[packet] ?? 0n;
    if ((options.fromNs !== null && timeNs < options.fromNs) || (options.untilNs !== null && timeNs > options.untilNs))
      return false;
    const block = blocks[batch.interfaceId[packet] ?? -1];
    const step = block === undefined ? undefined : plan.steps[block.step];
    const observer = step?.observers[block?.observer ?? -1];
    if (
      step === undefined ||
      observer === undefined ||
      (options.observer !== null && options.observer !== observer.name)
    )
      return false;
    if (options.only === null && options.probes === null) return true;
    const start = batch.offset[packet] ?? 0;
    const end = start + (batch.captured[packet] ?? 0);
    const classified = classify(batch.bytes, start, end);
    if (options.probes !== null) {
      const index = tokenIndexOf(classified.sighting);
      if (index < options.probes.first || index > options.probes.last) return false;
    }
    if (options.only === null) return true;
    const outgoing = batch.direction[packet] === directions.out;
    return (
      leakComment(
        { bytes: batch.bytes, classified, step, observer, towards: isTowards(observer, outgoing) },
        plan,
        parties,
      ) !== null
    );
  };
}

/**
 * Writes the frames of a run's capture that `options` ask for to `out`: pcapng, with interfaces, directions and
 * comments, or by the ending `.pcap` classic pcap in nanoseconds, which leaves out the controls unless they are asked
 * for. VerifyError 64 for an unknown observer or a folder that no run left.
 */
export async function exportCapture(dir: string, out: string, options: ExportOptions): Promise<Exported> {
  const { plan, run } = await parseFolder(dir);
  const names = [...new Set(plan.steps.flatMap((step) => step.observers.map((observer) => observer.name)))];
  if (options.observer !== null && !names.includes(options.observer)) {
    throw new VerifyError(
      'unknown-observer',
      64,
      `${dir}: no observer is named ${options.observer}`,
      `The observers of this run are ${names.join(', ')}.`,
    );
  }
  const capture = await capturePath(dir);
  const classic = out.endsWith('.pcap');
  const tags = tagsOf(plan, run.key === null ? null : Buffer.from(run.key, 'hex'));
  const classify = createClassifier(plan, tags, run.tool.verdictRules);
  const encode = classic ? encodePcap : pcapngEncoder(classify);
  const keeps = chooser(plan, classify, options);
  const stream = createWriteStream(out, { mode: 0o600 });
  const failed = once(stream, 'error').then(([error]: unknown[]) => {
    throw new VerifyError(
      'export-not-writable',
      64,
      `${out}: ${error instanceof Error ? error.message : String(error)}`,
      'Name a file that can be written with -o.',
    );
  });
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), failed]);
  };
  let controlsLeftOut = 0;
  const isControl = (batch: Batch, start: number, end: number): boolean =>
    classify(batch.bytes, start, end).sighting.kind === 'control';
  const copy = async (): Promise<void> => {
    await write(
      classic
        ? classicHeader('nano', 262_144)
        : sectionHeader({
            application: `${run.tool.name} ${run.tool.version}`,
            os: 'Linux',
            comment: `exported from run ${run.id}`,
          }),
    );
    for await (const item of readCapture(capture)) {
      if (item.kind === 'interface' && !classic) {
        await write(
          interfaceDescription({
            name: item.name ?? '',
            description: item.description,
            filter: item.filter,
            snaplen: item.snaplen,
            os: 'Linux',
          }),
        );
      } else if (item.kind === 'batch') {
        for (let packet = 0; packet < item.count; packet += 1) {
          if (!keeps(item, packet)) continue;
          const start = item.offset[packet] ?? 0;
          const end = start + (item.captured[packet] ?? 0);
          if (classic && !options.controls && isControl(item, start, end)) {
            controlsLeftOut += 1;
            continue;
          }
          await write(
            encode(
              item,
              packet,
              item.bytes.subarray(
                start,
                options.snap === 'headers' ? keptEnd(item.bytes, start, end, plan.runTag) : end,
              ),
            ),
          );
        }
      } else if (item.kind === 'damage') {
        throw new VerifyError(
          'capture-damaged',
          64,
          `${capture}, offset ${item.offset}: ${item.message}`,
          'Only what came before the damage was exported.',
        );
      }
    }
    await new Promise<void>((resolve) => stream.end(resolve));
  };
  await Promise.race([copy(), failed]);
  return { controlsLeftOut };
}
