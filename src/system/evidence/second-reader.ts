import { messageOf } from '../../core/model/verify-error.js';
import type { CaptureItem } from '../../core/pcap/capture-items.js';
import { CaptureReader } from '../../core/pcap/capture-reader.js';
import { type ClassicFileRecord, pcapParserReader } from '../../core/pcap/classic/with-pcap-parser.js';
import { counted } from '../../core/text/escape.js';
import { readBytes } from './read/read-bytes.js';

/** One capture by two independent readers. */
export interface ReaderComparison {
  readonly packets: number;
  readonly fault: string | null;
  /** The first ones, a line each. */
  readonly differences: readonly string[];
}

const maxReported = 20;

interface OwnRecord extends ClassicFileRecord {
  readonly number: number;
}

function* recordsOf(items: Iterable<CaptureItem>): Generator<OwnRecord> {
  for (const item of items) {
    if (item.kind !== 'batch') continue;
    for (let i = 0; i < item.count; i += 1) {
      const start = item.offset[i] ?? 0;
      yield {
        number: item.firstFrame + i,
        timeNs: item.timeNs[i] ?? 0n,
        originalLength: item.original[i] ?? 0,
        data: item.bytes.slice(start, start + (item.captured[i] ?? 0)),
      };
    }
  }
}

function difference(ours: OwnRecord, theirs: ClassicFileRecord): string | null {
  const at = `packet ${ours.number}: `;
  if (ours.timeNs !== theirs.timeNs)
    return `${at}its time is ${ours.timeNs} ns, and to pcap-parser ${theirs.timeNs} ns`;
  if (ours.originalLength !== theirs.originalLength)
    return `${at}it had ${ours.originalLength} bytes, and to pcap-parser ${theirs.originalLength}`;
  if (Buffer.compare(ours.data, theirs.data) !== 0) return `${at}its bytes are not those that pcap-parser reads`;
  return null;
}

/** Against the npm package pcap-parser. null = not classic pcap in µs, its only format. Memory is constant. */
export async function compareReaders(path: string): Promise<ReaderComparison | null> {
  const reader = new CaptureReader();
  const second = pcapParserReader();
  const differences: string[] = [];
  const waiting: { readonly ours: OwnRecord[]; readonly theirs: ClassicFileRecord[] } = { ours: [], theirs: [] };
  let [packets, reported] = [0, 0];
  let isClassic = false;
  let damage: string | null = null;
  const report = (text: string): void => {
    reported += 1;
    if (reported <= maxReported) differences.push(text);
  };
  const take = (items: readonly CaptureItem[], theirs: readonly ClassicFileRecord[]): void => {
    for (const item of items) {
      if (item.kind === 'section') isClassic = item.format === 'pcap-micro';
      if (item.kind === 'damage') damage ??= `offset ${item.offset}: ${item.message}`;
    }
    for (const record of recordsOf(items)) waiting.ours.push(record);
    for (const record of theirs) waiting.theirs.push(record);
    const both = Math.min(waiting.ours.length, waiting.theirs.length);
    const [mine, its] = [waiting.ours.splice(0, both), waiting.theirs.splice(0, both)];
    mine.forEach((record, at) => {
      const other_ = its[at];
      const text = other_ === undefined ? null : difference(record, other_);
      if (text !== null) report(text);
    });
    packets += both;
  };
  try {
    for await (const chunk of readBytes(path)) take([...reader.push(chunk)], second.push(chunk));
  } catch (error) {
    damage ??= messageOf(error);
  }
  take([...reader.end()], []);
  if (!isClassic) return null;
  const [first] = waiting.ours;
  if (first !== undefined)
    report(`packet ${first.number}: pcap-parser has none such, and ${waiting.ours.length - 1} more`);
  if (waiting.theirs.length > 0) report(`pcap-parser has ${counted(waiting.theirs.length, 'packet')} more`);
  const fault = second.fault();
  if ((fault === null) !== (damage === null))
    report(
      `the file is ${damage === null ? 'whole' : `damaged (${damage})`}, and to pcap-parser ${fault === null ? 'whole' : `damaged (${fault})`}`,
    );
  if (reported > maxReported) differences.push(`and ${reported - maxReported} more`);
  return { packets, fault: damage, differences };
}
