import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { VerifyError } from '../../../core/model/verify-error.js';
import type { Direction } from '../../../core/pcap/capture-items.js';
import { textBytes } from '../../../core/pcap/pcapng/options.js';
import { blockBuffer, packetBlockLength, writePacketBlock } from '../../../core/pcap/pcapng/packet-block.js';

/** A packet as it goes to the file: `captured` bytes at `from` of `bytes`; its time as two words of ns. */
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
  readonly comment: string | null;
}

/**
 * Writes blocks one after the other, a mebibyte at a time, and hashes what it writes. Throws VerifyError (69) where the
 * disk takes no more.
 */
export interface BlockWriter {
  packet(packet: WrittenPacket): void;
  block(bytes: Uint8Array): void;
  /** SHA-256 of everything, hex. */
  finish(): string;
}

const bufferLength = 1 << 20;
/** Whatever the file held goes; a link is not followed. */
const anew = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** `reported` hears, after each write, how many bytes the file has. */
export function createBlockWriter(path: string, reported: (bytes: number) => void = () => undefined): BlockWriter {
  const buffer = blockBuffer(bufferLength);
  const hash = createHash('sha256');
  const orCannotWrite = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw new VerifyError(
        'evidence-not-writable',
        69,
        `${path}: the evidence cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        'Name another folder with --out, or make room and rights for this one.',
      );
    }
  };
  const fd = orCannotWrite(() => openSync(path, anew, 0o600));
  let used = 0;
  let size = 0;
  const write = (bytes: Uint8Array): void => {
    hash.update(bytes);
    for (let done = 0; done < bytes.length; )
      done += orCannotWrite(() => writeSync(fd, bytes, done, bytes.length - done));
    size += bytes.length;
    reported(size);
  };
  const flush = (): void => {
    write(buffer.bytes.subarray(0, used));
    used = 0;
  };
  return {
    packet(packet) {
      const { interfaceId, timeHigh, timeLow, bytes, from, captured, original, direction, packetId } = packet;
      const comment = packet.comment === null ? null : textBytes(packet.comment);
      if (used + packetBlockLength(captured, packetId, comment?.length) > bufferLength) flush();
      used = writePacketBlock(
        buffer,
        used,
        interfaceId,
        timeHigh,
        timeLow,
        bytes,
        from,
        captured,
        original,
        direction,
        packetId,
        comment,
      );
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
