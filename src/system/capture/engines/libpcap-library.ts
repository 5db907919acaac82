import type { FaultCode } from '../../../core/model/reasons.js';
import { VerifyError, messageOf } from '../../../core/model/verify-error.js';
import { expandTokenWord, searchDepth } from '../../../core/wire/token-filter.js';
import { koffi } from '../../kernel/libc.js';
import type { OpenOptions } from '../engine.js';
import { checkFilterWords } from '../socket-filter.js';

/** A pcap_t. */
export type Pcap = bigint;

/** libpcap (pcap(3PCAP)) and stdio, as far as used. Integers below 0 are errors. */
export interface LibpcapLibrary {
  version(): string;
  create(device: string, message: Uint8Array): Pcap | null;
  openDead(linkType: number, snaplen: number): Pcap | null;
  setSnaplen(handle: Pcap, bytes: number): number;
  setPromisc(handle: Pcap, on: number): number;
  setBufferSize(handle: Pcap, bytes: number): number;
  setTimeout(handle: Pcap, ms: number): number;
  setImmediate(handle: Pcap, on: number): number;
  setTstampPrecision(handle: Pcap, precision: number): number;
  getTstampPrecision(handle: Pcap): number;
  activate(handle: Pcap): number;
  /** As `activate`, on Node's thread pool. */
  activateBeside(handle: Pcap): Promise<number>;
  setNonblock(handle: Pcap, on: number, message: Uint8Array): number;
  fileno(handle: Pcap): number;
  datalink(handle: Pcap): number;
  /** `program`: struct bpf_program, 16 bytes. */
  compile(handle: Pcap, program: Uint8Array, filter: string, optimize: number, netmask: number): number;
  freecode(program: Uint8Array): void;
  error(handle: Pcap): string;
  statusText(status: number): string;
  /** `counters`: struct pcap_stat, three 32-bit numbers. */
  stats(handle: Pcap, counters: Uint8Array): number;
  /** pcap_dump writes to the stdio stream `file` without JavaScript calls. */
  dispatch(handle: Pcap, most: number, dump: unknown, file: bigint): number;
  close(handle: Pcap): void;
  /** As `close`, on Node's thread pool. */
  closeBeside(handle: Pcap): Promise<void>;
  readonly dump: unknown;
  fmemopen(buffer: Uint8Array, bytes: number, mode: string): bigint | null;
  rewind(file: bigint): void;
  fflush(file: bigint): number;
  ftell(file: bigint): number;
  copyFrom(address: bigint, bytes: number): Uint8Array;
}

const names = ['libpcap.so.0.8', 'libpcap.so.1', 'libpcap.so'];
let loaded: LibpcapLibrary | undefined;

/** Loaded once. Throws VerifyError (69) if there is none. */
export function libpcap(): LibpcapLibrary {
  loaded ??= bind();
  return loaded;
}

function bind(): LibpcapLibrary {
  const k = koffi();
  const library = open(k);
  const c = k.load(null);
  const close = library.func('void pcap_close(void *)');
  const activate = library.func('int pcap_activate(void *)');
  return {
    version: library.func('const char *pcap_lib_version()'),
    create: library.func('void *pcap_create(const char *, void *)'),
    openDead: library.func('void *pcap_open_dead(int, int)'),
    setSnaplen: library.func('int pcap_set_snaplen(void *, int)'),
    setPromisc: library.func('int pcap_set_promisc(void *, int)'),
    setBufferSize: library.func('int pcap_set_buffer_size(void *, int)'),
    setTimeout: library.func('int pcap_set_timeout(void *, int)'),
    setImmediate: library.func('int pcap_set_immediate_mode(void *, int)'),
    setTstampPrecision: library.func('int pcap_set_tstamp_precision(void *, int)'),
    getTstampPrecision: library.func('int pcap_get_tstamp_precision(void *)'),
    activate,
    activateBeside: (handle) =>
      new Promise((resolve, reject) =>
        activate.async(handle, (error: unknown, status: number) => (error === null ? resolve(status) : reject(error))),
      ),
    setNonblock: library.func('int pcap_setnonblock(void *, int, void *)'),
    fileno: library.func('int pcap_fileno(void *)'),
    datalink: library.func('int pcap_datalink(void *)'),
    compile: library.func('int pcap_compile(void *, void *, const char *, int, unsigned int)'),
    freecode: library.func('void pcap_freecode(void *)'),
    error: library.func('const char *pcap_geterr(void *)'),
    statusText: library.func('const char *pcap_statustostr(int)'),
    stats: library.func('int pcap_stats(void *, void *)'),
    dispatch: library.func('pcap_dispatch', 'int', ['void *', 'int', 'void *', 'void *']),
    close,
    closeBeside: (handle) => new Promise((resolve) => close.async(handle, () => resolve())),
    dump: library.symbol('pcap_dump'),
    fmemopen: c.func('void *fmemopen(void *, size_t, const char *)'),
    rewind: c.func('void rewind(void *)'),
    fflush: c.func('int fflush(void *)'),
    ftell: c.func('long ftell(void *)'),
    copyFrom: (address, bytes) => new Uint8Array(k.view(address, bytes)).slice(),
  };
}

function open(k: ReturnType<typeof koffi>): ReturnType<ReturnType<typeof koffi>['load']> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return k.load(name);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new VerifyError(
    'libpcap-missing',
    69,
    `libpcap does not load: ${failures[0] ?? 'not found'}`,
    'install it (Debian, Ubuntu: libpcap0.8; Fedora: libpcap)',
  );
}

/**
 * A live handle knows how the kernel holds VLAN tags. The program returns the snaplen, by which the kernel cuts frames.
 */
function compileFilter(handle: Pcap, words: string, depth = searchDepth): Uint8Array {
  checkFilterWords(words);
  const filter = expandTokenWord(words, depth);
  const library = libpcap();
  const program = new ArrayBuffer(16); // struct bpf_program { u_int bf_len; struct bpf_insn *bf_insns; }
  const bytes = new Uint8Array(program);
  if (library.compile(handle, bytes, filter, 1, 0xffffffff) !== 0) {
    throw new VerifyError(
      'bad-filter',
      64,
      `not a capture filter: ${JSON.stringify(words)}: ${library.error(handle)}`,
      'man pcap-filter has the words',
    );
  }
  const count = new Uint32Array(program)[0] ?? 0;
  const address = new BigUint64Array(program)[1] ?? 0n;
  const compiled = library.copyFrom(address, count * 8);
  library.freecode(bytes);
  return compiled;
}

const compiledFor = new Map<string, Uint8Array>();
type Compiled = Pick<OpenOptions, 'filter' | 'snaplen'>;

function compiledKey({ filter, snaplen }: Compiled, depth: number): string {
  return `${depth} ${snaplen} ${filter}`;
}

/** Cached by filter and snaplen, as Ethernet handles share programs. Compiling the token search takes some 35 ms. */
export function compileFilterOnce(handle: Pcap, options: Compiled, depth = searchDepth): Uint8Array {
  const key = compiledKey(options, depth);
  const program = compiledFor.get(key) ?? compileFilter(handle, options.filter, depth);
  compiledFor.set(key, program);
  return program;
}

/** The same for a device, through a handle of its own that is closed again: opening it takes some 30 ms. */
export function compileFilterFor(
  options: Pick<OpenOptions, 'device' | 'filter' | 'snaplen'>,
  depth = searchDepth,
): Uint8Array {
  const known = compiledFor.get(compiledKey(options, depth));
  if (known !== undefined) return known;
  const library = libpcap();
  const handle = library.create(options.device, new Uint8Array(256));
  if (handle === null)
    throw new VerifyError(
      'open-failed',
      69,
      `${JSON.stringify(options.device)} cannot be listened to`,
      'see whether the interface exists',
    );
  try {
    library.setSnaplen(handle, options.snaplen);
    const status = library.activate(handle);
    if (status < 0) {
      const code =
        new Map<number, FaultCode>([
          [-5, 'interface-gone'],
          [-9, 'interface-down'],
        ]).get(status) ?? 'open-failed';
      throw new VerifyError(
        code,
        69,
        `${JSON.stringify(options.device)} cannot be listened to: ${library.statusText(status)}`,
        'see whether the interface exists and is up',
      );
    }
    return compileFilterOnce(handle, options, depth);
  } finally {
    library.close(handle);
  }
}

/** Classic BPF for Ethernet. Live handles run the same unless the filter tests VLAN tags. */
export function compileForRecord(filter: string, snaplen: number): Uint8Array {
  const library = libpcap();
  const handle = library.openDead(1, snaplen);
  if (handle === null) throw new VerifyError('open-failed', 69, 'libpcap has no memory for a handle', 'run again');
  try {
    return compileFilter(handle, filter);
  } finally {
    library.close(handle);
  }
}
