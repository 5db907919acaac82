import { libc } from '../kernel/libc.js';
import { linkAddress, linkAddressLength } from '../kernel/packet-socket.js';

const MSG_DONTWAIT = 0x40;
/** struct mmsghdr and struct iovec of a 64-bit kernel. */
const messageWords = 8;
const [nameAt, nameLengthAt, iovAt, iovCountAt] = [0, 1, 2, 3];

export const maxInBatch = 64;

export type BatchOutcome =
  | { readonly accepted: number; readonly error: null }
  | { readonly accepted: number; readonly error: string };

/** Interface 0 = the socket's bound one. */
export interface Exit {
  readonly fd: number;
  readonly interface: number;
  /** Leading bytes to send, absent = all. */
  readonly size?: number;
}

/**
 * Frames are `length` bytes apart, one sendmmsg(2) sends a batch without waiting. `error`: of the next frame (`EAGAIN`,
 * `ENOBUFS`, `ENETDOWN`, …).
 */
export function batchSender(
  frames: Buffer,
  length: number,
): (exit: Exit, first: number, count: number) => BatchOutcome {
  const c = libc();
  const base = c.addressOf(frames);
  const vectors = new BigUint64Array(maxInBatch * 2);
  const messages = new BigUint64Array(maxInBatch * messageWords);
  const vectorsAt = c.addressOf(new Uint8Array(vectors.buffer));
  const bytes = new Uint8Array(messages.buffer);
  for (let at = 0; at < maxInBatch; at += 1) {
    messages[at * messageWords + iovAt] = vectorsAt + BigInt(at * 16);
    messages[at * messageWords + iovCountAt] = 1n;
  }
  let sized = 0;
  const setSize = (size: number): void => {
    for (let at = 0; at < maxInBatch; at += 1) vectors[at * 2 + 1] = BigInt(size);
    sized = size;
  };
  let address: Uint8Array = new Uint8Array(0);
  let named = 0;
  const nameInterface = (index: number): void => {
    address = linkAddress(index);
    const addressAt = index === 0 ? 0n : c.addressOf(address);
    for (let at = 0; at < maxInBatch; at += 1) {
      messages[at * messageWords + nameAt] = addressAt;
      messages[at * messageWords + nameLengthAt] = index === 0 ? 0n : BigInt(linkAddressLength);
    }
    named = index;
  };
  return ({ fd, interface: interfaceIndex, size = length }, first, count) => {
    if (interfaceIndex !== named) nameInterface(interfaceIndex);
    if (size > length) throw new RangeError(`${size} of ${length} bytes`);
    if (size !== sized) setSize(size);
    const batch = Math.min(count, maxInBatch);
    if ((first + batch) * length > frames.length)
      throw new RangeError(`frames ${first} to ${first + batch} of ${frames.length} bytes`);
    for (let at = 0; at < batch; at += 1) vectors[at * 2] = base + BigInt((first + at) * length);
    const sent = c.sendmmsg(fd, bytes, batch, MSG_DONTWAIT);
    return sent < 0 ? { accepted: 0, error: c.errnoName(c.errno()) } : { accepted: sent, error: null };
  };
}
