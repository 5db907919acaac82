import { askBpf, attributesLength, bpfInfo } from './bpf.js';
import { libc } from './libc.js';
import { procText } from './proc-files.js';

const BPF_PROG_QUERY = 16;
/** enum bpf_attach_type of linux/bpf.h: places at a device that no command of iproute2 shows. */
const places = { 'tcx ingress': 46, 'tcx egress': 47, 'netkit primary': 54, 'netkit peer': 55 } as const;
export type ProgramPlace = keyof typeof places;
export const programPlaces = ['tcx ingress', 'tcx egress', 'netkit primary', 'netkit peer'] as const;
/** More than anybody attaches at one place (BPF_MPROG_MAX). */
const maxPrograms = 64;
const at = { ifindex: 0, attachType: 4, ids: 16, count: 24 } as const;

/** Answers of a kernel that knows no such command, place or device, and so has no programs there. */
const absentErrnos: readonly string[] = ['EINVAL', 'ENOENT', 'ENODEV', 'ENXIO', 'ENOSYS', 'EOPNOTSUPP'];

/** Why there is no list of programs: `denied` = this user may not ask. */
export type NoPrograms = 'denied' | { readonly unknown: string };

/** What a refusal of the list of programs at a place means, by the name of its errno. */
export function refusedAs(place: ProgramPlace, errno: string): readonly number[] | NoPrograms {
  if (errno === 'EPERM') return 'denied';
  // programs of a pair are attached by its first device alone (netkit_dev_fetch, drivers/net/netkit.c)
  const isSecond = errno === 'EACCES' && place.startsWith('netkit');
  return isSecond || absentErrnos.includes(errno) ? [] : { unknown: errno };
}

/** What is said on a machine whose system calls are not known here. */
const noNumber = `the system call bpf of ${process.arch} is not known to this program`;

/**
 * Ids of the programs that are attached to a device of the calling thread's network namespace (bpf(2), BPF_PROG_QUERY).
 * Empty before Linux 6.6, which knows no such place.
 */
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

/** Memory for all such questions of this thread: a bridge of 1,000 ports is asked 10,000 times a second. */
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
/** struct bpf_link_info: type, id, prog_id, padding, and of a link to netfilter pf and hook. */
const infoAt = { type: 0, program: 8, family: 16 } as const;
const infoLength = 64;
const AF_INET = 2;

/** A program that netfilter runs at one of its hooks (Linux 6.4). */
export interface NetfilterProgram {
  readonly id: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * A descriptor of a link; below 0 = refused. One that another process is just making answers EAGAIN, which Linux also
 * calls EWOULDBLOCK (bpf_link_by_id, kernel/bpf/syscall.c): then again, for some milliseconds.
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
 * Programs of BPF at netfilter's hooks, of all network namespaces: the kernel does not say of which. They get packets
 * of IP, also bridged ones where netfilter gets these. Empty also where this user may not ask; a text = why they are
 * not known.
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
      if (!isEnd(why)) return why; // one that is gone is not there
    }
    next = askBpf(BPF_LINK_GET_NEXT_ID, [link]);
  }
  const why = c.errnoName(c.errno());
  return isEnd(why) ? programs : why;
}

/** struct bpf_prog_info, until the program's name. */
const programAt = { type: 0, id: 4, tag: 8, codeLength: 20, code: 32, name: 64, end: 80 } as const;

/** A program in the kernel: its type, name, tag (hex), and its instructions as the verifier left them. */
export interface LoadedProgram {
  /** enum bpf_prog_type. */
  readonly type: number;
  readonly name: string;
  readonly tag: string;
  readonly code: Uint8Array;
}

/**
 * The program of that number; null = it is gone. `unknown`: the errno by which it cannot be read, as EPERM without
 * CAP_SYS_ADMIN.
 */
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

/**
 * Numbers of the machine's programs above `after`, in order (CAP_SYS_ADMIN): later ones have higher numbers. `denied` =
 * this user may not ask; empty also where the kernel has no bpf(2).
 */
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

/** enum bpf_attach_type of linux/bpf.h: places of a cgroup, and of a network namespace, by its descriptor. */
const folderPlaces = { 'cgroup ingress': 0, 'cgroup egress': 1, 'flow dissector': 17, 'socket lookup': 36 } as const;
export type FolderPlace = keyof typeof folderPlaces;

/** Numbers of the programs at a cgroup or a network namespace that is open as `fd`; none where it may not ask. */
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

/** The kernel's functions by the number in a call of a program, which counts from __bpf_call_base. */
const knownCalls = new Map<number, readonly string[]>();

/**
 * Names of the kernel's functions that programs call, by the number in the call (bpf_insn_prepare_dump,
 * kernel/bpf/syscall.c). None of a number = it is not known: it is 0 where this user may not see addresses
 * (kernel.kptr_restrict).
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
