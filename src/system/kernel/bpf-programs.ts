import { askBpf, attributesLength, bpfInfo } from './bpf.js';
import { libc } from './libc.js';
import { procText } from './proc-files.js';

const BPF_PROG_QUERY = 16;
/** enum bpf_attach_type of linux/bpf.h: places at a device that iproute2 does not show. */
const places = { 'tcx ingress': 46, 'tcx egress': 47, 'netkit primary': 54, 'netkit peer': 55 } as const;
export type ProgramPlace = keyof typeof places;
export const programPlaces = ['tcx ingress', 'tcx egress', 'netkit primary', 'netkit peer'] as const;
/** BPF_MPROG_MAX. */
const maxPrograms = 64;
const at = { ifindex: 0, attachType: 4, ids: 16, count: 24 } as const;

/** Without such a command, place or device there are no programs. */
const absentErrnos: readonly string[] = ['EINVAL', 'ENOENT', 'ENODEV', 'ENXIO', 'ENOSYS', 'EOPNOTSUPP'];

/** Why programs are not listed; `denied` = not permitted. */
export type NoPrograms = 'denied' | { readonly unknown: string };

/** The result that a refusal stands for. */
export function refusedAs(place: ProgramPlace, errno: string): readonly number[] | NoPrograms {
  if (errno === 'EPERM') return 'denied';
  // a pair's programs are attached by its first device alone (netkit_dev_fetch, drivers/net/netkit.c)
  const isSecond = errno === 'EACCES' && place.startsWith('netkit');
  return isSecond || absentErrnos.includes(errno) ? [] : { unknown: errno };
}

const noNumber = `the system call bpf of ${process.arch} is not known to this program`;

/** Program ids at a device of the calling thread's namespace (BPF_PROG_QUERY). Empty before Linux 6.6. */
export function programsAt(ifindex: number, place: ProgramPlace): readonly number[] | NoPrograms {
  const c = libc();
  if (!c.hasBpfNumber) return { unknown: noNumber };
  const { ids, idsAt, attributes, view } = (query ??= programQuery());
  attributes.fill(0); // the kernel writes into them
  view.setUint32(at.ifindex, ifindex, true);
  view.setUint32(at.attachType, places[place], true);
  view.setBigUint64(at.ids, idsAt, true);
  view.setUint32(at.count, maxPrograms, true);
  if (c.bpf(BPF_PROG_QUERY, attributes) < 0) return refusedAs(place, c.errnoName(c.errno()));
  return Array.from(ids.subarray(0, Math.min(maxPrograms, view.getUint32(at.count, true))));
}

/** Reused: a bridge of 1,000 ports takes 10,000 questions a second. */
let query: ReturnType<typeof programQuery> | null = null;

function programQuery() {
  const ids = new Uint32Array(maxPrograms);
  const attributes = new Uint8Array(attributesLength);
  const idsAt = libc().addressOf(new Uint8Array(ids.buffer));
  return { ids, idsAt, attributes, view: new DataView(attributes.buffer) };
}

const BPF_PROG_GET_FD_BY_ID = 13;
const [BPF_LINK_GET_FD_BY_ID, BPF_LINK_GET_NEXT_ID] = [30, 31] as const;
const BPF_LINK_TYPE_NETFILTER = 10;
/** struct bpf_link_info: type, id, prog_id, padding. A netfilter link adds pf and hook. */
const infoAt = { type: 0, program: 8, family: 16 } as const;
const infoLength = 64;
const AF_INET = 2;

/** A program at a netfilter hook (Linux 6.4). */
export interface NetfilterProgram {
  readonly id: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * A link still being made answers EAGAIN, which Linux also calls EWOULDBLOCK (bpf_link_by_id, kernel/bpf/syscall.c):
 * retries for some milliseconds.
 */
function openLink(link: number): number {
  const until = performance.now() + 200;
  for (;;) {
    const { result } = askBpf(BPF_LINK_GET_FD_BY_ID, [link]);
    const isBeingMade = result < 0 && libc().errnoName(libc().errno()) === 'EWOULDBLOCK';
    if (!isBeingMade || performance.now() > until) return result;
  }
}

/**
 * Programs of all network namespaces, which the kernel does not distinguish. They get IP packets, bridged ones if
 * netfilter does. Empty if not permitted. A text = why unknown.
 */
export function netfilterPrograms(): readonly NetfilterProgram[] | string {
  const c = libc();
  if (!c.hasBpfNumber) return noNumber;
  const isEnd = (errno: string): boolean => errno === 'EPERM' || absentErrnos.includes(errno);
  const programs: NetfilterProgram[] = [];
  let next = askBpf(BPF_LINK_GET_NEXT_ID, [0]);
  while (next.result >= 0) {
    const [, link = 0] = next.words;
    const fd = openLink(link);
    if (fd >= 0) {
      const info = bpfInfo(fd, new Uint8Array(infoLength));
      c.close(fd);
      if (info?.getUint32(infoAt.type, true) === BPF_LINK_TYPE_NETFILTER)
        programs.push({
          id: info.getUint32(infoAt.program, true),
          family: info.getUint32(infoAt.family, true) === AF_INET ? 'ipv4' : 'ipv6',
        });
    } else {
      const why = c.errnoName(c.errno());
      if (!isEnd(why)) return why;
    }
    next = askBpf(BPF_LINK_GET_NEXT_ID, [link]);
  }
  const why = c.errnoName(c.errno());
  return isEnd(why) ? programs : why;
}

/** struct bpf_prog_info up to the name. */
const programAt = { type: 0, id: 4, tag: 8, codeLength: 20, code: 32, name: 64, end: 80 } as const;

/** The tag is hex, the instructions are as verified. */
export interface LoadedProgram {
  /** enum bpf_prog_type. */
  readonly type: number;
  readonly name: string;
  readonly tag: string;
  readonly code: Uint8Array;
}

/** The program of that id; null = gone. `unknown`: errno of reading it, EPERM without CAP_SYS_ADMIN. */
export function loadedProgram(id: number): LoadedProgram | { readonly unknown: string } | null {
  const { result: fd } = askBpf(BPF_PROG_GET_FD_BY_ID, [id]);
  const why = (): string => libc().errnoName(libc().errno());
  if (fd < 0) return why() === 'ENOENT' ? null : { unknown: why() };
  try {
    const length = bpfInfo(fd, new Uint8Array(programAt.end))?.getUint32(programAt.codeLength, true) ?? 0;
    const code = new Uint8Array(length);
    const info = new Uint8Array(programAt.end);
    const view = new DataView(info.buffer);
    view.setUint32(programAt.codeLength, length, true);
    if (length > 0) view.setBigUint64(programAt.code, libc().addressOf(code), true);
    if (bpfInfo(fd, info) === null) return { unknown: why() };
    const [name = ''] = Buffer.from(info.subarray(programAt.name, programAt.end)).toString('latin1').split('\0');
    const tag = Buffer.from(info.subarray(programAt.tag, programAt.tag + 8)).toString('hex');
    return { type: view.getUint32(programAt.type, true), name, tag, code };
  } finally {
    libc().close(fd);
  }
}

const BPF_PROG_GET_NEXT_ID = 11;

/** The machine's ids above `after`, ascending (CAP_SYS_ADMIN). `denied` = not permitted. Empty also without bpf(2). */
export function programIds(after = 0): readonly number[] | NoPrograms {
  if (!libc().hasBpfNumber) return { unknown: noNumber };
  const ids: number[] = [];
  let last = after;
  for (;;) {
    const { result, words } = askBpf(BPF_PROG_GET_NEXT_ID, [last]);
    if (result < 0) {
      const why = libc().errnoName(libc().errno());
      if (why === 'EPERM') return 'denied';
      return absentErrnos.includes(why) ? ids : { unknown: why };
    }
    last = words[1] ?? 0;
    ids.push(last);
  }
}

/** enum bpf_attach_type of linux/bpf.h: places of a cgroup or network namespace. */
const folderPlaces = { 'cgroup ingress': 0, 'cgroup egress': 1, 'flow dissector': 17, 'socket lookup': 36 } as const;
export type FolderPlace = keyof typeof folderPlaces;

/** Program ids at a cgroup or network namespace. Empty if not permitted. */
export function programsOf(fd: number, place: FolderPlace): readonly number[] {
  const ids = new Uint32Array(maxPrograms);
  const attributes = new Uint8Array(attributesLength);
  const view = new DataView(attributes.buffer);
  view.setUint32(at.ifindex, fd, true);
  view.setUint32(at.attachType, folderPlaces[place], true);
  view.setBigUint64(at.ids, libc().addressOf(new Uint8Array(ids.buffer)), true);
  view.setUint32(at.count, maxPrograms, true);
  if (libc().bpf(BPF_PROG_QUERY, attributes) < 0) return [];
  return [...ids.subarray(0, Math.min(maxPrograms, view.getUint32(at.count, true)))];
}

const knownCalls = new Map<number, readonly string[]>();

/**
 * Names of kernel functions by number in a program's call, relative to __bpf_call_base (bpf_insn_prepare_dump,
 * kernel/bpf/syscall.c). Empty = unknown: 0 if addresses are hidden (kernel.kptr_restrict).
 */
export function calledFunctions(calls: readonly number[]): ReadonlyMap<number, readonly string[]> {
  const missing = calls.filter((call) => !knownCalls.has(call));
  if (missing.length > 0) {
    const symbols = procText('/proc/kallsyms');
    const base = /^([0-9a-f]+) \S __bpf_call_base$/m.exec(symbols)?.[1] ?? '0';
    for (const call of missing) {
      const address = (BigInt(`0x${base}`) + BigInt(call)).toString(16).padStart(16, '0');
      knownCalls.set(call, /^0+$/.test(base) || call === 0 ? [] : symbolsAt(symbols, address));
    }
  }
  return knownCalls;
}

function symbolsAt(symbols: string, address: string): readonly string[] {
  const names: string[] = [];
  const prefix = `\n${address} `;
  for (let found = symbols.indexOf(prefix); found >= 0; found = symbols.indexOf(prefix, found + 1))
    names.push(/^\S \S+/.exec(symbols.slice(found + prefix.length, found + prefix.length + 200))?.[0].slice(2) ?? '');
  return names;
}
