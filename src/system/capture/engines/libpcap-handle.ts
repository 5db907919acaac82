import type { Counters } from '../../../core/model/timeline.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { searchDepthsOf } from '../../../core/wire/token-filter.js';
import { attachFilter, attachFirstFilter, ignoreOutgoing, linkIndex } from '../../kernel/packet-socket.js';
import { type HandleKind, refuseEverything, withDirection } from '../socket-filter.js';
import type { KernelSearch } from '../kernel-search.js';
import { LibpcapCounters } from './libpcap-counters.js';
import { compileFilterOnce, libpcap, type Pcap } from './libpcap-library.js';

/** The ring hands over a partial block after this time. */
export const blockTimeoutMs = 50;

const nanosecondPrecision = 1; // PCAP_TSTAMP_PRECISION_NANO
const ethernet = 1; // DLT_EN10MB
const noSuchDevice = -5; // PCAP_ERROR_NO_SUCH_DEVICE
const interfaceNotUp = -9; // PCAP_ERROR_IFACE_NOT_UP

export interface KernelHandleOptions {
  readonly device: string;
  readonly kind: HandleKind;
  readonly filter: string;
  readonly snaplen: number;
  readonly buffer: number;
  readonly immediate?: true | undefined;
  readonly search?: KernelSearch | null;
}

/** A libpcap handle with the direction in its kernel filter. */
export interface KernelHandle {
  readonly pcap: Pcap;
  readonly fd: number;
  readonly outgoing: boolean;
  /** Frames still to come that precede the filter. */
  stale: number;
  delivered: number;
  counters(): Counters;
  /** Frames in the ring remain to be taken. */
  refuse(): void;
  /** Counts from 0. Frames in the ring are stale. Throws VerifyError `bad-filter`. */
  begin(filter: string): void;
  close(): void;
  /** One wait for the kernel's RCU (24 ms) serves all. */
  closeBeside(): Promise<void>;
}

interface Created {
  readonly pcap: Pcap;
  readonly message: Uint8Array;
}

function create(options: KernelHandleOptions): Created {
  const library = libpcap();
  const message = new Uint8Array(256); // PCAP_ERRBUF_SIZE
  const pcap = library.create(options.device, message);
  if (pcap === null)
    throw failed('open-failed', options.device, Buffer.from(message).toString('utf8').replace(/\0.*$/s, ''));
  library.setSnaplen(pcap, options.snaplen);
  library.setPromisc(pcap, 0);
  library.setBufferSize(pcap, options.buffer);
  library.setTimeout(pcap, blockTimeoutMs);
  // TPACKET_V2, whose slots are not handed over together (pcap-linux.c, prepare_tpacket_socket)
  if (options.immediate === true) library.setImmediate(pcap, 1);
  library.setTstampPrecision(pcap, nanosecondPrecision);
  return { pcap, message };
}

/**
 * Not promiscuous, nanoseconds, non-blocking. Before the filter is attached the kernel takes every frame. Refusing all
 * then gives the number to skip. Ring order decides, not timestamps: the wall clock may be set back.
 */
export function openKernelHandle(options: KernelHandleOptions): KernelHandle {
  const created = create(options);
  return activated(created, options, libpcap().activate(created.pcap));
}

/** Waits for the kernel's RCU beside others (PACKET_RX_RING, 10 to 18 ms each). */
export async function openKernelHandleBeside(options: KernelHandleOptions): Promise<() => KernelHandle> {
  const created = create(options);
  const status = await libpcap().activateBeside(created.pcap);
  return () => activated(created, options, status);
}

function activated(created: Created, options: KernelHandleOptions, status: number): KernelHandle {
  try {
    return listening(created, options, status);
  } catch (error) {
    libpcap().close(created.pcap);
    throw error;
  }
}

function listening({ pcap, message }: Created, options: KernelHandleOptions, status: number): KernelHandle {
  const library = libpcap();
  if (status < 0)
    throw failed(codeOf(status), options.device, `${library.statusText(status)} ${library.error(pcap)}`.trim());
  const fd = library.fileno(pcap);
  attachFilter(fd, refuseEverything);
  const filter = filterOf(pcap, fd, options);
  if (library.datalink(pcap) !== ethernet) throw failed('open-failed', options.device, 'it is no Ethernet interface');
  if (library.getTstampPrecision(pcap) !== nanosecondPrecision)
    throw failed('open-failed', options.device, 'this libpcap has no nanosecond timestamps');
  if (library.setNonblock(pcap, 1, message) !== 0)
    throw failed('open-failed', options.device, 'it cannot be read without waiting');
  const counters = new LibpcapCounters(pcap);
  const handle: KernelHandle = {
    pcap,
    fd,
    outgoing: options.kind === 'out',
    stale: 0,
    delivered: 0,
    counters: () => counters.since(handle.delivered),
    refuse: () => filter.refuse(),
    begin(words) {
      handle.stale = counters.begin(handle.delivered);
      filter.attach(words);
    },
    close: () => library.close(pcap),
    closeBeside: () => library.closeBeside(pcap),
  };
  handle.begin(options.filter);
  return handle;
}

interface SocketFilter {
  /** Throws VerifyError `bad-filter`. */
  attach(words: string): void;
  refuse(): void;
}

function filterOf(pcap: Pcap, fd: number, { kind, device, snaplen, search = null }: KernelHandleOptions): SocketFilter {
  const isPassedBy = kind !== 'out' && ignoreOutgoing(fd);
  const index = kind === 'out' ? linkIndex(fd, device) : null;
  const isSearched = (filter: string): boolean => {
    // In its next step a handle that takes everything may have a filter, when nothing can be opened to count by.
    if (search === null || filter === '') return false;
    if (kind === 'out') return index !== null && search.attach(fd, { filter, snaplen }, 'out', index);
    return kind === 'in' && isPassedBy && search.attach(fd, { filter, snaplen }, 'every', null);
  };
  return {
    attach(filter) {
      if (isSearched(filter)) return;
      const programs = searchDepthsOf(filter).map(
        (depth) => () => withDirection(kind, compileFilterOnce(pcap, { filter, snaplen }, depth)),
      );
      attachFirstFilter(fd, programs);
    },
    refuse() {
      attachFilter(fd, refuseEverything);
      if (index !== null) search?.detach(index);
    },
  };
}

function codeOf(status: number): keyof typeof hints {
  if (status === noSuchDevice) return 'interface-gone';
  return status === interfaceNotUp ? 'interface-down' : 'open-failed';
}

const hints = {
  'interface-down': 'bring it up',
  'interface-gone': 'has the guest been stopped?',
  'open-failed': 'it takes CAP_NET_RAW; man pcap_activate',
} as const;

function failed(code: keyof typeof hints, device: string, why: string): VerifyError {
  const hint = hints[code];
  return new VerifyError(code, 69, `${JSON.stringify(device)} cannot be listened to: ${why}`, hint);
}
