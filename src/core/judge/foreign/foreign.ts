import { earliest, highHalf, latest, lowHalf, timeWords, type WordTime } from '../../pcap/time-words.js';
import { type AddressPairs, createAddressPairs } from '../../wire/address-pairs.js';
import { isGroupMac, macNumber } from '../../wire/ethernet.js';
import { viewFrame } from '../../wire/frame-view.js';
import type { JudgedBatch } from '../judge.js';
import { foreignProtocol, type QuickProtocol, quickName, readQuickly } from './protocol.js';

/** A listener and its foreign unicast. MACs are 48-bit numbers. */
export interface ForeignListener {
  readonly name: string | null;
  readonly macs: readonly number[];
  /** Null: a guest, to which all but its own MACs is foreign. Else only frames between two of these MACs are. */
  readonly elsewhere: readonly number[] | null;
}

/** A protocol's frames from one MAC to another. */
export interface Heard {
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
  frames: number;
  bytes: number;
  payloadBytes: number;
  /** Frames that prove that the addressee had sent to the source. */
  answers: number;
  readonly first: WordTime;
  readonly last: WordTime;
  readonly firstFile: string;
  /** From 1, as Wireshark counts in that file. */
  readonly firstFrame: number;
}

/** Counts of a capture file. */
export interface HeardFile {
  readonly path: string;
  isOfTool: boolean;
  frames: number;
  own: number;
  /** This tool's frames that prove a hearing port, in its captures only. */
  controls: number;
  group: number;
  foreign: number;
  /** Others' unicast that is not foreign there (an uplink's). */
  passing: number;
  /** Not Ethernet, or cut off within its addresses. */
  unread: number;
  first: WordTime | null;
  last: WordTime | null;
  readonly damages: string[];
  dropped: number;
}

interface Pair {
  readonly kind: 'own' | 'group' | 'passing' | 'foreign';
  readonly from: number;
  readonly to: number;
  /** By `QuickProtocol.key`. null = no row left. */
  readonly quick: Map<number, Heard | null>;
}

/** A listener's captures. Opaque except to foreign*.ts. */
export interface ForeignFold {
  readonly listener: ForeignListener;
  readonly pairs: AddressPairs<Pair>;
  readonly conversations: Map<number, Map<number, Map<string, Heard>>>;
  rows: number;
  notKept: number;
  readonly files: HeardFile[];
}

/** Rows of pairs and protocols, against floods of invented MACs. */
export const maxRows = 20_000;
const maxQuickRows = 256;

export function startForeign(listener: ForeignListener): ForeignFold {
  const ownMacs = new Set(listener.macs);
  const elsewhere = listener.elsewhere === null ? null : new Set(listener.elsewhere);
  return {
    listener,
    pairs: createAddressPairs((bytes, at) => pairAt(bytes, at, ownMacs, elsewhere)),
    conversations: new Map(),
    rows: 0,
    notKept: 0,
    files: [],
  };
}

function pairAt(
  bytes: Uint8Array,
  at: number,
  ownMacs: ReadonlySet<number>,
  elsewhere: ReadonlySet<number> | null,
): Pair {
  const to = macNumber(bytes, at);
  const from = macNumber(bytes, at + 6);
  let kind: Pair['kind'] = 'foreign';
  if (ownMacs.has(to) || ownMacs.has(from)) kind = 'own';
  else if (isGroupMac(bytes, at)) kind = 'group';
  else if (elsewhere !== null && !(elsewhere.has(to) && elsewhere.has(from))) kind = 'passing';
  return { kind, from, to, quick: new Map() };
}

/** Later batches belong to this file until the next call. */
export function startForeignFile(fold: ForeignFold, path: string): HeardFile {
  const file: HeardFile = {
    path,
    isOfTool: false,
    frames: 0,
    own: 0,
    controls: 0,
    group: 0,
    foreign: 0,
    passing: 0,
    unread: 0,
    first: null,
    last: null,
    damages: [],
    dropped: 0,
  };
  fold.files.push(file);
  return file;
}

interface FrameAt {
  readonly file: HeardFile;
  high: number;
  low: number;
}

function rowOf(fold: ForeignFold, { from, to }: Pair, protocol: string, { file, high, low }: FrameAt): Heard | null {
  let ofSource = fold.conversations.get(from);
  let ofPair = ofSource?.get(to);
  const row = ofPair?.get(protocol);
  if (row !== undefined) return row;
  if (fold.rows >= maxRows) return null;
  fold.rows += 1;
  if (ofSource === undefined) fold.conversations.set(from, (ofSource = new Map()));
  if (ofPair === undefined) ofSource.set(to, (ofPair = new Map()));
  const fresh: Heard = {
    from,
    to,
    protocol,
    frames: 0,
    bytes: 0,
    payloadBytes: 0,
    answers: 0,
    first: { high, low },
    last: { high, low },
    firstFile: file.path,
    firstFrame: file.frames,
  };
  ofPair.set(protocol, fresh);
  return fresh;
}

function quickRow(fold: ForeignFold, pair: Pair, key: number, at: FrameAt): Heard | null {
  const known = pair.quick.get(key);
  if (known !== undefined) return known;
  const row = rowOf(fold, pair, quickName(key), at);
  if (pair.quick.size < maxQuickRows) pair.quick.set(key, row);
  return row;
}

/** Facts that decide on a file's frames. */
export interface FileView {
  readonly ethernet: (interfaceId: number) => boolean;
  readonly settled: (packet: number) => 'own' | 'control' | null;
}

function readSlowly(bytes: Uint8Array, start: number, end: number, read: QuickProtocol): string {
  const view = viewFrame(bytes, start, end);
  const protocol =
    view === null ? { name: 'cut off', answers: false, payloadBytes: 0 } : foreignProtocol(bytes, end, view);
  read.answers = protocol.answers;
  read.payloadBytes = protocol.payloadBytes;
  return protocol.name;
}

/** Adds a batch in file order. Changes only `fold` and `file`. */
export function addForeignBatch(
  fold: ForeignFold,
  file: HeardFile,
  batch: JudgedBatch & { readonly original: ArrayLike<number> },
  { ethernet, settled }: FileView,
): void {
  const { bytes } = batch;
  const times = timeWords(batch.timeNs);
  const quick: QuickProtocol = { key: 0, answers: false, payloadBytes: 0 };
  const at: FrameAt = { file, high: 0, low: 0 };
  for (let i = 0; i < batch.count; i += 1) {
    file.frames += 1;
    const high = times[2 * i + highHalf] ?? 0;
    const low = times[2 * i + lowHalf] ?? 0;
    file.first = earliest(file.first, high, low);
    file.last = latest(file.last, high, low);
    const start = batch.offset[i] ?? 0;
    const end = start + (batch.captured[i] ?? 0);
    if (end - start < 14 || !ethernet(batch.interfaceId[i] ?? 0)) {
      file.unread += 1;
      continue;
    }
    const known = settled(i);
    if (known !== null) {
      if (known === 'own') file.own += 1;
      else file.controls += 1;
      continue;
    }
    const pair = fold.pairs.of(bytes, start);
    file[pair.kind] += 1;
    if (pair.kind !== 'foreign') continue;
    at.high = high;
    at.low = low;
    const row = readQuickly(bytes, start, end, quick)
      ? quickRow(fold, pair, quick.key, at)
      : rowOf(fold, pair, readSlowly(bytes, start, end, quick), at);
    if (row === null) fold.notKept += 1;
    else countHeard(row, batch.original[i] ?? 0, quick, at);
  }
}

function countHeard(row: Heard, length: number, { payloadBytes, answers }: QuickProtocol, at: FrameAt): void {
  row.frames += 1;
  row.bytes += length;
  row.payloadBytes += payloadBytes;
  if (answers) row.answers += 1;
  earliest(row.first, at.high, at.low);
  latest(row.last, at.high, at.low);
}
