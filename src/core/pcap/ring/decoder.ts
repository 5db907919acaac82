import type { BatchBuilder } from '../batch-builder.js';
import { directions } from '../capture-items.js';
import type { Window } from '../decoder.js';
import { eachRingFrame, packetTypes, type RingFrame, ringBlockTypes } from './block.js';

/** Reads ring blocks into batches, and puts VLAN tags back in the pushed bytes. */
export class RingDecoder {
  private readonly out: BatchBuilder;
  private readonly idOf = new Map<number, number>();
  private second = -1;
  private secondHigh = 0;
  private secondLow = 0;

  constructor(out: BatchBuilder) {
    this.out = out;
  }

  /** Block `[at, to)` lacks its closing length. Gives a fault or null. */
  readBlock(window: Window, type: number, at: number, to: number, interfaces: number): string | null {
    if (type === ringBlockTypes.frames) return this.readFrames(window, at, to);
    if (type !== ringBlockTypes.interface) return null;
    if (at + 16 > to) return 'a block about an interface of a ring is too short for its fields';
    const id = window.view.getUint32(at + 8, true);
    if (id >= interfaces) return `interface ${id} of a ring, of which the section has ${interfaces}`;
    this.idOf.set(window.view.getInt32(at + 12, true), id);
    return null;
  }

  private readFrames({ bytes, view }: Window, at: number, to: number): string | null {
    let stray: number | null = null;
    let [lastIndex, lastId] = [-1, -1];
    const fault = eachRingFrame(bytes, view, at, to, (frame) => {
      if (frame.index !== lastIndex) {
        const id = this.idOf.get(frame.index);
        if (id === undefined) {
          stray ??= frame.index;
          return;
        }
        [lastIndex, lastId] = [frame.index, id];
      }
      this.takeFrame(frame, lastId);
    });
    return (
      fault ??
      (stray === null
        ? null
        : `a frame in a ring is of the kernel's interface ${String(stray)}, which no interface of the file is`)
    );
  }

  private takeFrame(frame: Readonly<RingFrame>, interfaceId: number): void {
    this.setTime(frame.seconds, frame.nanoseconds);
    const { columns, count } = this.out;
    columns.offset[count] = frame.offset;
    columns.captured[count] = frame.captured;
    columns.original[count] = frame.original;
    columns.interfaceId[count] = interfaceId;
    columns.direction[count] = frame.packetType === packetTypes.outgoing ? directions.out : directions.in;
    columns.optionsAt[count] = 0;
    columns.optionsLength[count] = 0;
    this.out.next();
  }

  private setTime(seconds: number, nanoseconds: number): void {
    if (this.second !== seconds) {
      const ns = BigInt(seconds) * 1_000_000_000n;
      this.second = seconds;
      this.secondHigh = Number(ns >> 32n);
      this.secondLow = Number(ns & 0xffff_ffffn);
    }
    const low = this.secondLow + nanoseconds;
    if (low > 0xffff_ffff) this.out.setTimeWords(this.secondHigh + 1, low - 0x1_0000_0000);
    else this.out.setTimeWords(this.secondHigh, low);
  }
}
