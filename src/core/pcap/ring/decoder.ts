import type { BatchBuilder } from '../batch-builder.js';
import { directions } from '../capture-items.js';
import type { Window } from '../decoder.js';
import { eachRingFrame, packetTypes, ringBlockTypes } from './block.js';

/** Reads what a raw capture has of a ring (block.ts) into batches. */
export interface RingDecoder {
  /**
   * A block of local use in `[at, to)`, its closing length left out, in a section of this many interfaces. Gives what
   * is wrong with it, or null.
   */
  block(window: Window, type: number, at: number, to: number, interfaces: number): string | null;
}

/** Where a frame lost its VLAN tag to the kernel, it gets it back in the bytes that were pushed. */
export function ringDecoder(out: BatchBuilder): RingDecoder {
  /** Kernel's interface → interface of the file. */
  const idOf = new Map<number, number>();
  let second = -1;
  let [secondHigh, secondLow] = [0, 0];

  function setTime(seconds: number, nanoseconds: number): void {
    if (second !== seconds) {
      const ns = BigInt(seconds) * 1_000_000_000n;
      [second, secondHigh, secondLow] = [seconds, Number(ns >> 32n), Number(ns & 0xffff_ffffn)];
    }
    const low = secondLow + nanoseconds;
    if (low > 0xffff_ffff) out.setTimeWords(secondHigh + 1, low - 0x1_0000_0000);
    else out.setTimeWords(secondHigh, low);
  }

  function frames({ bytes, view }: Window, at: number, to: number): string | null {
    let stray: number | null = null;
    let [lastIndex, lastId] = [-1, -1];
    const fault = eachRingFrame(
      bytes,
      view,
      at,
      to,
      (index, packetType, offset, captured, original, seconds, nanoseconds) => {
        if (index !== lastIndex) {
          const id = idOf.get(index);
          if (id === undefined) {
            stray ??= index;
            return;
          }
          [lastIndex, lastId] = [index, id];
        }
        setTime(seconds, nanoseconds);
        const { columns, count } = out;
        columns.offset[count] = offset;
        columns.captured[count] = captured;
        columns.original[count] = original;
        columns.interfaceId[count] = lastId;
        columns.direction[count] = packetType === packetTypes.outgoing ? directions.out : directions.in;
        columns.optionsAt[count] = 0;
        columns.optionsLength[count] = 0;
        out.next();
      },
    );
    return (
      fault ??
      (stray === null
        ? null
        : `a frame in a ring is of the kernel's interface ${String(stray)}, which no interface of the file is`)
    );
  }

  return {
    block(window, type, at, to, interfaces) {
      if (type === ringBlockTypes.frames) return frames(window, at, to);
      if (type !== ringBlockTypes.interface) return null;
      if (at + 16 > to) return 'a block about an interface of a ring is too short for its fields';
      const id = window.view.getUint32(at + 8, true);
      if (id >= interfaces) return `interface ${id} of a ring, of which the section has ${interfaces}`;
      idOf.set(window.view.getInt32(at + 12, true), id);
      return null;
    },
  };
}
