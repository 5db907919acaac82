import { isGroupMac, macNumber } from '../wire/ethernet.js';
import { viewFrame } from '../wire/frame-view.js';
import { foreignProtocol } from './foreign-protocol.js';
import type { JudgedBatch } from './frame-source.js';

/** Who listened where, and which unicast is foreign there. MACs are 48-bit numbers. */
export interface ForeignListener {
  /** Its name in a scenario; null where only its MACs are known. */
  readonly name: string | null;
  readonly macs: readonly number[];
  /** null: a guest, to which everything but its own MACs is foreign. Else (an uplink, a host): only frames from one of these MACs to another are. */
  readonly elsewhere: readonly number[] | null;
}

/** Frames of one protocol from one MAC to another. */
export interface Heard {
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
  frames: number;
  /** On the wire, as the capture says. */
  octets: number;
  payloadOctets: number;
  /** Frames that prove that the addressee had sent to the source. */
  answers: number;
  firstNs: bigint;
  lastNs: bigint;
  readonly firstFile: string;
  /** From 1, as Wireshark counts in that file. */
  readonly firstFrame: number;
}

/** What one capture file held. */
export interface HeardFile {
  readonly path: string;
  frames: number;
  /** From or to the listener's own MACs. */
  own: number;
  /** Broadcast and multicast. */
  group: number;
  foreign: number;
  /** Unicast that is none of the listener's and yet not foreign there (an uplink's). */
  passing: number;
  /** Not Ethernet, or cut off before its addresses. */
  unread: number;
  firstNs: bigint | null;
  lastNs: bigint | null;
  readonly damages: string[];
}

/** What a listener heard that was not meant for it, as a fold over its captures. Opaque but for the functions of foreign*.ts. */
export interface ForeignFold {
  readonly listener: ForeignListener;
  readonly own: ReadonlySet<number>;
  readonly elsewhere: ReadonlySet<number> | null;
  readonly heard: Map<number, Map<number, Map<string, Heard>>>;
  rows: number;
  /** Foreign frames beyond the rows that are kept. */
  notKept: number;
  readonly files: HeardFile[];
}

/** Talker pairs and protocols that are told apart: a flood of invented MACs must not exhaust the memory. */
export const mostRows = 20_000;

export function startForeign(listener: ForeignListener): ForeignFold {
  return {
    listener, own: new Set(listener.macs), elsewhere: listener.elsewhere === null ? null : new Set(listener.elsewhere), heard: new Map(), rows: 0, notKept: 0, files: [],
  };
}

/** Batches that are added belong to this file until the next. */
export function startForeignFile(fold: ForeignFold, path: string): HeardFile {
  const file: HeardFile = { path, frames: 0, own: 0, group: 0, foreign: 0, passing: 0, unread: 0, firstNs: null, lastNs: null, damages: [] };
  fold.files.push(file);
  return file;
}

function row(fold: ForeignFold, from: number, to: number, protocol: string, first: { readonly file: string; readonly frame: number; readonly timeNs: bigint }): Heard | null {
  let ofSource = fold.heard.get(from);
  let ofPair = ofSource?.get(to);
  const found = ofPair?.get(protocol);
  if (found !== undefined) return found;
  if (fold.rows >= mostRows) return null;
  fold.rows += 1;
  if (ofSource === undefined) fold.heard.set(from, (ofSource = new Map()));
  if (ofPair === undefined) ofSource.set(to, (ofPair = new Map()));
  const fresh: Heard = {
    from, to, protocol, frames: 0, octets: 0, payloadOctets: 0, answers: 0, firstNs: first.timeNs, lastNs: first.timeNs, firstFile: first.file, firstFrame: first.frame,
  };
  ofPair.set(protocol, fresh);
  return fresh;
}

/** Adds a batch of `file`, in file order. `ethernet` says of an interface of the file whether its frames are Ethernet. Pure but for `fold` and `file`. */
export function addForeignBatch(fold: ForeignFold, file: HeardFile, batch: JudgedBatch & { readonly original: ArrayLike<number> }, ethernet: (interfaceId: number) => boolean): void {
  const { bytes } = batch;
  for (let i = 0; i < batch.count; i += 1) {
    file.frames += 1;
    const timeNs = BigInt(batch.timeNs[i] ?? 0);
    if (file.firstNs === null || timeNs < file.firstNs) file.firstNs = timeNs;
    if (file.lastNs === null || timeNs > file.lastNs) file.lastNs = timeNs;
    const start = batch.offset[i] ?? 0;
    const end = start + (batch.captured[i] ?? 0);
    if (end - start < 14 || !ethernet(batch.interfaceId[i] ?? 0)) {
      file.unread += 1;
      continue;
    }
    const to = macNumber(bytes, start);
    const from = macNumber(bytes, start + 6);
    if (fold.own.has(to) || fold.own.has(from)) file.own += 1;
    else if (isGroupMac(bytes, start)) file.group += 1;
    else if (fold.elsewhere !== null && !(fold.elsewhere.has(to) && fold.elsewhere.has(from))) file.passing += 1;
    else {
      file.foreign += 1;
      const view = viewFrame(bytes, start, end);
      const { name, answers, payloadOctets } = view === null ? { name: 'cut off', answers: false, payloadOctets: 0 } : foreignProtocol(bytes, end, view);
      const heard = row(fold, from, to, name, { file: file.path, frame: file.frames, timeNs });
      if (heard === null) fold.notKept += 1;
      else {
        heard.frames += 1;
        heard.octets += batch.original[i] ?? 0;
        heard.payloadOctets += payloadOctets;
        if (answers) heard.answers += 1;
        if (timeNs < heard.firstNs) heard.firstNs = timeNs;
        if (timeNs > heard.lastNs) heard.lastNs = timeNs;
      }
    }
  }
}
