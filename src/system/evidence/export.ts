import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { type Classify, createClassifier, tagsOf, tokenIndexOf } from '../../core/judge/recognise/classify.js';
import { keptEnd } from '../../core/wire/frame-view.js';
import { createParties } from '../../core/judge/parties.js';
import { leakComment } from '../../core/judge/recognise/leak-comment.js';
import type { Plan, StepPlan } from '../../core/model/plan.js';
import { VerifyError, messageOf, usageError } from '../../core/model/verify-error.js';
import { type Batch, packetDirection, directions } from '../../core/pcap/capture-items.js';
import { classicHeader, classicRecord } from '../../core/pcap/classic/writer.js';
import { readPacketOptions } from '../../core/pcap/pcapng/options.js';
import { enhancedPacket, interfaceAsRead, sectionHeader } from '../../core/pcap/pcapng/writer.js';
import { isTowards } from '../../core/plan/observers.js';
import { stepObservers } from '../../core/plan/evidence-interfaces.js';
import { someText } from '../../core/text/names.js';
import { capturePath } from './folder/folder.js';
import { type NamedFile, openNamedFile } from './folder/named-file.js';
import { mustBeAsWritten } from './folder/hash.js';
import { parseFolder } from './folder/parse-folder.js';
import { readCapture } from './read/read-capture.js';

export interface ExportOptions {
  readonly only: 'leaks' | null;
  /** null = all. */
  readonly observer: string | null;
  /** Number from 1, or name. null = all. */
  readonly step: string | null;
  /** Packet ids (token indexes). null = all frames, even without a token. */
  readonly probes: { readonly first: number; readonly last: number } | null;
  /** ns since 1970, inclusive. null = no bound. */
  readonly fromNs: bigint | null;
  readonly untilNs: bigint | null;
  /** Cuts frames behind headers and token. */
  readonly snap: 'headers' | null;
  /** Classic pcap cannot mark them, so `replay --mac` would report leaks. */
  readonly controls: boolean;
}

export interface Exported {
  readonly frames: number;
  /** Left out although the options allow them. */
  readonly controlsLeftOut: number;
}

type Encode = (batch: Batch, packet: number, data: Uint8Array) => Uint8Array;

const encodePcapng: Encode = (batch, packet, data) => {
  const { packetId, comments } = readPacketOptions(batch, packet);
  return enhancedPacket({
    interfaceId: batch.interfaceId[packet] ?? 0,
    timeNs: batch.timeNs[packet] ?? 0n,
    originalLength: batch.original[packet] ?? 0,
    data,
    direction: packetDirection(batch, packet),
    packetId,
    comments,
  });
};

const encodePcap: Encode = (batch, packet, data) =>
  classicRecord('nano', { timeNs: batch.timeNs[packet] ?? 0n, originalLength: batch.original[packet] ?? 0, data });

function isInTime(timeNs: bigint, { fromNs, untilNs }: ExportOptions): boolean {
  return (fromNs === null || timeNs >= fromNs) && (untilNs === null || timeNs <= untilNs);
}

function isWithin(index: number, { first, last }: NonNullable<ExportOptions['probes']>): boolean {
  return index >= first && index <= last;
}

function chooser(plan: Plan, classify: Classify, options: ExportOptions): (batch: Batch, packet: number) => boolean {
  const isWanted = ({ index, name }: StepPlan): boolean =>
    options.step === null || options.step === name || options.step === String(index + 1);
  if (!plan.steps.some(isWanted))
    throw usageError(
      `--step ${options.step ?? ''}: the run has no such step`,
      `give a number from 1 to ${plan.steps.length}, or a name: ${someText(
        plan.steps.map(({ name }) => name),
        8,
      )}`,
    );
  const observers = stepObservers(plan).map((source) =>
    source !== null && isWanted(source.step) && [null, source.observer.name].includes(options.observer) ? source : null,
  );
  const parties = createParties(plan.endpoints);
  return (batch, packet) => {
    const source = observers[batch.interfaceId[packet] ?? -1] ?? null;
    if (source === null || !isInTime(batch.timeNs[packet] ?? 0n, options)) return false;
    if (options.only === null && options.probes === null) return true;
    const start = batch.offset[packet] ?? 0;
    const end = start + (batch.captured[packet] ?? 0);
    const classified = classify(batch.bytes, start, end);
    if (options.probes !== null && !isWithin(tokenIndexOf(classified.sighting), options.probes)) return false;
    if (options.only === null) return true;
    const towards = isTowards(source.observer, batch.direction[packet] === directions.out);
    return leakComment({ bytes: batch.bytes, classified, ...source, towards }, plan, parties) !== null;
  };
}

interface Exporting {
  readonly options: ExportOptions;
  readonly plan: Plan;
  readonly classify: Classify;
  readonly keeps: (batch: Batch, packet: number) => boolean;
  readonly encode: Encode;
  readonly isClassic: boolean;
}

/** null = outside the options. */
function exportPacket(exporting: Exporting, batch: Batch, packet: number): Uint8Array | 'control' | null {
  const { options, plan, classify, keeps, encode, isClassic } = exporting;
  if (!keeps(batch, packet)) return null;
  const start = batch.offset[packet] ?? 0;
  const end = start + (batch.captured[packet] ?? 0);
  const isControl = (): boolean => classify(batch.bytes, start, end).sighting.kind === 'control';
  if (isClassic && !options.controls && isControl()) return 'control';
  const to = options.snap === 'headers' ? keptEnd(batch.bytes, start, end, plan.runTag) : end;
  return encode(batch, packet, batch.bytes.subarray(start, to));
}

interface Output {
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
  drop(): void;
  /** Rejects with VerifyError 64. */
  readonly failed: Promise<never>;
}

function notWritable(path: string, error: unknown): VerifyError {
  return new VerifyError(
    'export-not-writable',
    64,
    `${path}: ${messageOf(error)}`,
    'Name a file that can be written with -o.',
  );
}

/** Bytes for a reader that has gone are dropped, as for all of stdout. */
function stdoutOutput(): Output {
  const { stdout } = process;
  return {
    failed: new Promise(() => undefined),
    async write(bytes) {
      if (!stdout.destroyed && !stdout.write(bytes)) await once(stdout, 'drain').catch(() => undefined);
    },
    end: () => Promise.resolve(),
    drop: () => undefined,
  };
}

function openedOutput(path: string): NamedFile {
  try {
    return openNamedFile(path, 0o600);
  } catch (error) {
    throw error instanceof VerifyError ? error : notWritable(path, error);
  }
}

function openOutput(path: string): Output {
  const file = openedOutput(path);
  const stream = createWriteStream('', { fd: file.fd, autoClose: false });
  const failed = once(stream, 'error').then(([error]: unknown[]): never => {
    throw notWritable(path, error);
  });
  return {
    failed,
    async write(bytes) {
      if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), failed]);
    },
    async end() {
      await Promise.race([new Promise<void>((resolve) => stream.end(resolve)), failed]);
      file.keep();
    },
    drop: () => file.drop(),
  };
}

async function copyPackets(capture: string, out: Output, exporting: Exporting, head: Uint8Array): Promise<Exported> {
  let [frames, controlsLeftOut] = [0, 0];
  await out.write(head);
  for await (const item of readCapture(capture)) {
    switch (item.kind) {
      case 'interface':
        if (!exporting.isClassic) await out.write(interfaceAsRead(item));
        break;
      case 'batch':
        for (let packet = 0; packet < item.count; packet += 1) {
          const written = exportPacket(exporting, item, packet);
          if (written === 'control') controlsLeftOut += 1;
          else if (written !== null) {
            frames += 1;
            await out.write(written);
          }
        }
        break;
      case 'damage':
        await out.end();
        throw new VerifyError(
          'capture-damaged',
          3,
          `${capture}, offset ${item.offset}: ${item.message}`,
          'Only what came before the damage was exported.',
        );
      case 'section':
      case 'statistics':
        break;
    }
  }
  await out.end();
  return { frames, controlsLeftOut };
}

function checkObserver(dir: string, plan: Plan, observer: string | null): void {
  const names = [...new Set(plan.steps.flatMap((step) => step.observers.map(({ name }) => name)))];
  if (observer === null || names.includes(observer)) return;
  throw new VerifyError(
    'unknown-observer',
    64,
    `${dir}: no observer is named ${observer}`,
    `The observers of this run are ${names.join(', ')}.`,
  );
}

/**
 * Writes a run's frames to `out`: pcapng with interfaces, directions and comments, or classic `.pcap` in ns; `-` =
 * stdout, as pcapng. VerifyError 64 for an unknown observer or folder, 3 for a damaged capture, of which the beginning
 * is written.
 */
export async function exportCapture(dir: string, out: string, options: ExportOptions): Promise<Exported> {
  if (options.only === 'leaks') await mustBeAsWritten(dir);
  const { plan, run } = await parseFolder(dir);
  checkObserver(dir, plan, options.observer);
  const capture = await capturePath(dir);
  const isClassic = out.endsWith('.pcap');
  const tags = tagsOf(plan, run.key === null ? null : Buffer.from(run.key, 'hex'));
  const classify = createClassifier(plan, tags);
  const encode = isClassic ? encodePcap : encodePcapng;
  const keeps = chooser(plan, classify, options);
  const head = isClassic
    ? classicHeader('nano', 262_144)
    : sectionHeader({
        application: `${run.tool.name} ${run.tool.version}`,
        os: 'Linux',
        comment: `exported from run ${run.id}`,
      });
  const output = out === '-' ? stdoutOutput() : openOutput(out);
  const exporting = { options, plan, classify, keeps, encode, isClassic };
  try {
    return await Promise.race([copyPackets(capture, output, exporting, head), output.failed]);
  } catch (error) {
    output.drop();
    throw error;
  }
}
