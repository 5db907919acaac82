import { readSync } from 'node:fs';
import { sharedPageMemory } from '../../kernel/page-memory.js';

/** A second-level cache holds it with its results. */
const chunkLength = 1 << 18;
const chunkCount = 64;

/**
 * `reading`: the reader at work, 0 = none. `done`, `wakeAt`: by reader, finished chunks and the number at which the
 * other wants waking.
 */
const cell = { read: 0, reading: 1, over: 2, done: 3, wakeAt: 5 } as const;
const cellCount = 7;
const readers = { hash: 0, judge: 1 } as const;
const never = 2 ** 31 - 1;

/** The hashing and the judging thread. */
export type ByteReaderName = keyof typeof readers;

/** A file read once for two threads. The leader reads into a ring, or waits if it is full. */
export interface SharedBytes {
  /** At its first byte, for both threads. */
  readonly file: number;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly lengths: Int32Array<SharedArrayBuffer>;
  readonly cells: Int32Array<SharedArrayBuffer>;
}

export function shareBytes(file: number): SharedBytes {
  const words = (count: number): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4 * count));
  return {
    file,
    bytes: sharedPageMemory(chunkCount * chunkLength),
    lengths: words(chunkCount),
    cells: words(cellCount).fill(never, cell.wakeAt),
  };
}

function done(cells: SharedBytes['cells'], reader: number, chunks: number): void {
  Atomics.store(cells, cell.done + reader, chunks);
  if (chunks >= Atomics.load(cells, cell.wakeAt + reader)) Atomics.notify(cells, cell.done + reader);
}

/** Ends a reader, even of a dead thread. The other continues alone. */
export function leaveBytes({ cells }: SharedBytes, who: ByteReaderName): void {
  done(cells, readers[who], never);
  if (Atomics.compareExchange(cells, cell.reading, readers[who] + 1, 0) !== 0) Atomics.notify(cells, cell.reading);
}

/**
 * Voids the last chunk. null = the end, 'behind' = the other reader made no room for this many ms. Throws if
 * unreadable, and the reader must then leave.
 */
export function takeBytes(
  { file, bytes: bytes, lengths, cells }: SharedBytes,
  who: ByteReaderName,
): (patienceMs: number) => Uint8Array | null | 'behind' {
  const mine = readers[who];
  const theirs = 1 - mine;
  let taken = 0;

  /** For half of the ring, as waking a thread takes as long as a chunk. */
  function hasRoom(patienceMs: number): boolean {
    const least = taken - chunkCount + 1;
    const known = Atomics.load(cells, cell.done + theirs);
    if (known >= least) return true;
    Atomics.store(cells, cell.wakeAt + theirs, taken - chunkCount / 2);
    Atomics.wait(cells, cell.done + theirs, known, patienceMs);
    Atomics.store(cells, cell.wakeAt + theirs, never);
    return Atomics.load(cells, cell.done + theirs) >= least;
  }
  /** False = the other has been reading that long. */
  function read(patienceMs: number): boolean {
    const holder = Atomics.compareExchange(cells, cell.reading, 0, mine + 1);
    if (holder !== 0) return Atomics.wait(cells, cell.reading, holder, patienceMs) !== 'timed-out';
    try {
      if (Atomics.load(cells, cell.read) !== taken || Atomics.load(cells, cell.over) === 1) return true;
      const place = taken % chunkCount;
      const length = readSync(file, bytes, place * chunkLength, chunkLength, null);
      lengths[place] = length;
      if (length === 0) Atomics.store(cells, cell.over, 1);
      else Atomics.store(cells, cell.read, taken + 1);
      return true;
    } finally {
      Atomics.store(cells, cell.reading, 0);
      Atomics.notify(cells, cell.reading);
    }
  }

  return (patienceMs) => {
    done(cells, mine, taken);
    for (;;) {
      const over = Atomics.load(cells, cell.over) === 1;
      if (taken < Atomics.load(cells, cell.read)) {
        const place = taken % chunkCount;
        taken += 1;
        return bytes.subarray(place * chunkLength, place * chunkLength + (lengths[place] ?? 0));
      }
      if (over) return null;
      if (!hasRoom(patienceMs) || !read(patienceMs)) return 'behind';
    }
  };
}
