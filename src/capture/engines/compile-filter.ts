import { VerifyError } from '../../core/model/verify-error.js';
import type { OpenOptions } from '../../system/capture/engine.js';
import { checkFilterWords } from '../../system/capture/socket-filter.js';
import { libpcap, type Pcap } from './libpcap-library.js';

/**
 * A filter as classic BPF for a live handle, which knows how the kernel holds VLAN tags. It returns the handle's
 * snaplen, so that the kernel cuts frames. Throws VerifyError `bad-filter` with libpcap's words.
 */
export function compileFilter(handle: Pcap, filter: string): Uint8Array {
  checkFilterWords(filter);
  const library = libpcap();
  const program = new ArrayBuffer(16); // struct bpf_program { u_int bf_len; struct bpf_insn *bf_insns; }
  const bytes = new Uint8Array(program);
  if (library.compile(handle, bytes, filter, 1, 0xffffffff) !== 0) {
    throw new VerifyError(
      'bad-filter',
      64,
      `not a capture filter: ${JSON.stringify(filter)}: ${library.error(handle)}`,
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

/**
 * The same for a device, through a handle of its own that is closed again (it takes some 30 ms); kept for each filter
 * and snaplen.
 */
export function compileFilterFor(options: Pick<OpenOptions, 'device' | 'filter' | 'snaplen'>): Uint8Array {
  const key = `${options.snaplen} ${options.filter}`;
  const kept = compiledFor.get(key);
  if (kept !== undefined) return kept;
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
      const code = status === -5 ? 'interface-gone' : status === -9 ? 'interface-down' : 'open-failed';
      throw new VerifyError(
        code,
        69,
        `${JSON.stringify(options.device)} cannot be listened to: ${library.statusText(status)}`,
        'see whether the interface exists and is up',
      );
    }
    const program = compileFilter(handle, options.filter);
    compiledFor.set(key, program);
    return program;
  } finally {
    library.close(handle);
  }
}

/**
 * A filter as classic BPF for Ethernet, without any device: for the record. It is what a live handle runs where the
 * filter asks for no VLAN tags.
 */
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
