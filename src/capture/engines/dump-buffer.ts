import { VerifyError } from '../../core/model/verify-error.js';
import { libpcap } from './libpcap-library.js';

/** Memory that pcap_dump writes batches to, as a stdio stream over a buffer (fmemopen(3)). */
export interface DumpBuffer {
  readonly bytes: Buffer;
  readonly file: bigint;
  /** Frames of at most `snaplen` octets that surely fit. */
  room(snaplen: number): number;
}

const size = 1 << 20;
const recordHeader = 16;
const slack = 4096;
let shared: DumpBuffer | undefined;

/** One for the process: rings are drained one after the other. It is kept for good, C has its address. */
export function dumpBuffer(): DumpBuffer {
  shared ??= make();
  return shared;
}

function make(): DumpBuffer {
  const bytes = Buffer.alloc(size);
  const file = libpcap().fmemopen(bytes, size, 'w+');
  if (file === null)
    throw new VerifyError('open-failed', 69, 'fmemopen failed: out of memory', 'open fewer observers in one process');
  return { bytes, file, room: (snaplen) => Math.max(1, Math.floor((size - slack) / (recordHeader + snaplen))) };
}
