import { VerifyError } from '../../../core/model/verify-error.js';
import { emptyFrame, type Engine, type EngineHandle, type OpenOptions, type TakeFrame } from '../engine.js';
import { type KernelHandle, openKernelHandle, openKernelHandleBeside } from './libpcap-handle.js';
import { libpcap } from './libpcap-library.js';

/**
 * libpcap through koffi: kernel nanoseconds, original lengths, exact directions, not promiscuous. `port` takes out and
 * in, `bridge` out and the frames the host's stack accepts, each by a handle with a ring.
 */
export const libpcapEngine: Engine = {
  name: 'libpcap',
  version: () => libpcap().version(),
  open: (options) =>
    openBoth(
      options,
      () => openKernelHandle({ ...options, kind: 'out' }),
      () => openKernelHandle({ ...options, kind: otherKind(options) }),
    ),
  async prepare(options) {
    const [openOut, openOther] = await Promise.all([
      openKernelHandleBeside({ ...options, kind: 'out' }),
      openKernelHandleBeside({ ...options, kind: otherKind(options) }),
    ]);
    return () => openBoth(options, openOut, openOther);
  },
};

function otherKind({ watch }: OpenOptions): 'in' | 'host' {
  return watch === 'port' ? 'in' : 'host';
}

function openBoth(options: OpenOptions, openOut: () => KernelHandle, openOther: () => KernelHandle): EngineHandle {
  const out = openOut();
  try {
    return join([out, openOther()], options);
  } catch (error) {
    out.close();
    throw error;
  }
}

function join(handles: readonly KernelHandle[], options: OpenOptions): EngineHandle {
  const dump = dumpBuffer();
  return {
    facts: { engine: 'libpcap', timestamps: 'kernel', originalLength: true, direction: 'known' },
    descriptors: handles.map((handle) => handle.fd),
    drain: (take, budget) => handles.reduce((sum, handle) => sum + drain(handle, options, dump, take, budget), 0),
    counters: () => handles.map((handle) => handle.counters()),
    refuse: () => handles.forEach((handle) => handle.refuse()),
    begin: (filter) => handles.forEach((handle) => handle.begin(filter)),
    close: () => handles.forEach((handle) => handle.close()),
    closeBeside: async () => void (await Promise.all(handles.map((handle) => handle.closeBeside()))),
  };
}

function drain(handle: KernelHandle, options: OpenOptions, dump: DumpBuffer, take: TakeFrame, budget: number): number {
  const library = libpcap();
  const most = dump.room(options.snaplen);
  let taken = 0;
  while (taken < budget) {
    library.rewind(dump.file);
    const count = library.dispatch(handle.pcap, most, library.dump, dump.file);
    if (count < 0) {
      throw new VerifyError(
        'interface-gone',
        69,
        `${JSON.stringify(options.device)}: ${library.error(handle.pcap)}`,
        'has the guest been stopped?',
      );
    }
    if (count === 0) break;
    library.fflush(dump.file);
    parse(dump.bytes, library.ftell(dump.file), handle, take);
    handle.delivered += count;
    taken += count;
    if (count < most) break;
  }
  return taken;
}

/** pcap_dump writes seconds, nanoseconds, captured and original length in native byte order. */
function parse(bytes: Buffer, end: number, handle: KernelHandle, take: TakeFrame): void {
  const frame = emptyFrame(bytes);
  frame.outgoing = handle.outgoing;
  for (let at = 0; at < end; ) {
    const captured = bytes.readUInt32LE(at + 8);
    if (handle.stale > 0) {
      handle.stale -= 1;
    } else {
      frame.offset = at + 16;
      frame.captured = captured;
      frame.original = bytes.readUInt32LE(at + 12);
      frame.seconds = bytes.readUInt32LE(at);
      frame.nanoseconds = bytes.readUInt32LE(at + 4);
      take(frame);
    }
    at += 16 + captured;
  }
}

/** fmemopen(3). */
interface DumpBuffer {
  readonly bytes: Buffer;
  readonly file: bigint;
  /** Frames of at most `snaplen` bytes that surely fit. */
  room(snaplen: number): number;
}

const dumpBytes = 1 << 20;
const recordHeader = 16;
const slack = 4096;
let shared: DumpBuffer | undefined;

/** Kept for good, as C has its address. */
function dumpBuffer(): DumpBuffer {
  shared ??= makeDumpBuffer();
  return shared;
}

function makeDumpBuffer(): DumpBuffer {
  const bytes = Buffer.alloc(dumpBytes);
  const file = libpcap().fmemopen(bytes, dumpBytes, 'w+');
  if (file === null)
    throw new VerifyError('open-failed', 69, 'fmemopen failed: out of memory', 'open fewer observers in one process');
  return { bytes, file, room: (snaplen) => Math.max(1, Math.floor((dumpBytes - slack) / (recordHeader + snaplen))) };
}
