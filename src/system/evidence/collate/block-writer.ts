import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { VerifyError, messageOf } from '../../../core/model/verify-error.js';
import { textBytes } from '../../../core/pcap/pcapng/options.js';
import {
  blockBuffer,
  type PacketHead,
  packetBlockLength,
  writePacketBlock,
} from '../../../core/pcap/pcapng/packet-block.js';

/** Annotations of a packet in the file. */
export interface PacketRemark {
  readonly packetId: number;
  readonly comment: string | null;
}

const noOptions: PacketRemark = { packetId: -1, comment: null };

const bufferLength = 1 << 20;
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** Writes and hashes a mebibyte at a time. Throws VerifyError (69) if the disk refuses. */
export class BlockWriter {
  private readonly path: string;
  private readonly reported: (bytes: number) => void;
  private readonly fd: number;
  private readonly buffer = blockBuffer(bufferLength);
  private readonly hash = createHash('sha256');
  private used = 0;
  private size = 0;

  /** `reported` receives the file's length. */
  constructor(path: string, reported: (bytes: number) => void = () => undefined) {
    this.path = path;
    this.reported = reported;
    this.fd = this.orCannotWrite(() => openSync(path, newFile, 0o600));
  }

  writePacket(packet: Readonly<PacketHead>, { packetId, comment: text }: PacketRemark = noOptions): void {
    const comment = text === null ? null : textBytes(text);
    if (this.used + packetBlockLength(packet.captured, packetId, comment?.length) > bufferLength) this.flush();
    this.used = writePacketBlock(this.buffer, this.used, packet, packetId, comment);
  }

  writeBlock(bytes: Uint8Array): void {
    if (this.used + bytes.length > bufferLength) this.flush();
    if (bytes.length > bufferLength) {
      this.write(bytes);
      return;
    }
    this.buffer.bytes.set(bytes, this.used);
    this.used += bytes.length;
  }

  /** SHA-256, hex. */
  finish(): string {
    this.flush();
    closeSync(this.fd);
    return this.hash.digest('hex');
  }

  private flush(): void {
    this.write(this.buffer.bytes.subarray(0, this.used));
    this.used = 0;
  }

  private write(bytes: Uint8Array): void {
    this.hash.update(bytes);
    for (let done = 0; done < bytes.length; )
      done += this.orCannotWrite(() => writeSync(this.fd, bytes, done, bytes.length - done));
    this.size += bytes.length;
    this.reported(this.size);
  }

  private orCannotWrite<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw new VerifyError(
        'evidence-not-writable',
        69,
        `${this.path}: the evidence cannot be written: ${messageOf(error)}`,
        'Name another folder with --out, or make room and rights for this one.',
      );
    }
  }
}
