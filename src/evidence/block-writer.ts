import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { VerifyError } from '../model/verify-error.js';
import { blockBuffer, packetBlockLength, writePacketBlock } from '../pcap/packet-block.js';
import type { Direction } from '../pcap/capture-items.js';

/** A packet as it goes to the file: `captured` octets at `from` of `bytes`; its time as two words of ns. */
export interface WrittenPacket {
  readonly interfaceId: number;
  readonly timeHigh: number;
  readonly timeLow: number;
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly captured: number;
  readonly original: number;
  readonly direction: Direction;
  /** -1 = none. */
  readonly packetId: number;
}

/** Writes blocks one after the other, a mebibyte at a time, and hashes what it writes. Throws VerifyError (69) where the disk takes no more. */
export interface BlockWriter {
  packet(packet: WrittenPacket): void;
  block(bytes: Uint8Array): void;
  /** SHA-256 of everything, hex. */
  finish(): string;
}

const bufferLength = 1 << 20;

export function createBlockWriter(path: string): BlockWriter {
  const buffer = blockBuffer(bufferLength);
  const hash = createHash('sha256');
  const orCannotWrite = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw new VerifyError('evidence-not-writable', 69, `${path}: the evidence cannot be written: ${error instanceof Error ? error.message : String(error)}`, 'Name another folder with --out, or make room and rights for this one.');
    }
  };
  const fd = orCannotWrite(() => openSync(path, 'w', 0o600));
  let used = 0;
  const write = (bytes: Uint8Array): void => {
    hash.update(bytes);
    for (let done = 0; done < bytes.length; ) done += orCannotWrite(() => writeSync(fd, bytes, done, bytes.length - done));
  };
  const flush = (): void => {
    write(buffer.bytes.subarray(0, used));
    used = 0;
  };
  return {
    packet(packet) {
      if (used + packetBlockLength(packet.captured, packet.packetId) > bufferLength) flush();
      const { interfaceId, timeHigh, timeLow, bytes, from, captured, original, direction, packetId } = packet;
      used = writePacketBlock(buffer, used, interfaceId, timeHigh, timeLow, bytes, from, captured, original, direction, packetId);
    },
    block(bytes) {
      if (used + bytes.length > bufferLength) flush();
      if (bytes.length > bufferLength) {
        write(bytes);
        return;
      }
      buffer.bytes.set(bytes, used);
      used += bytes.length;
    },
    finish() {
      flush();
      closeSync(fd);
      return hash.digest('hex');
    },
  };
}
