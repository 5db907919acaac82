import { libc } from './libc.js';

/** One instruction of classic BPF (linux/filter.h, struct sock_filter). Jumps are relative and forward. */
export type BpfInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** ld [SKF_AD_OFF + SKF_AD_PKTTYPE]: the packet type, as only a program in the kernel can read it. */
export const loadPacketType: BpfInstruction = [0x20, 0, 0, 0xfffff004];
/** ret #0 */
export const refuse: BpfInstruction = [0x06, 0, 0, 0];
/** ret #262144: the frame whole. */
export const takeWhole: BpfInstruction = [0x06, 0, 0, 0x40000];

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; } for each instruction, in the machine's order. */
export function encodeBpf(instructions: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const halves = new Uint16Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  instructions.forEach(([code, jumpTrue, jumpFalse, k], at) => {
    halves[at * 4] = code;
    bytes[at * 8 + 2] = jumpTrue;
    bytes[at * 8 + 3] = jumpFalse;
    words[at * 2 + 1] = k;
  });
  return bytes;
}

const BPF_PROG_QUERY = 16;
/** enum bpf_attach_type of linux/bpf.h: places at a device that no command of iproute2 shows. */
const places = { 'tcx ingress': 46, 'tcx egress': 47, 'netkit primary': 54, 'netkit peer': 55 } as const;
export type ProgramPlace = keyof typeof places;
export const programPlaces = ['tcx ingress', 'tcx egress', 'netkit primary', 'netkit peer'] as const;
/** More than anybody attaches at one place (BPF_MPROG_MAX). */
const maxPrograms = 64;
/** The part of union bpf_attr that the query is about: `struct { … } query`. */
export const attributesLength = 64;
const at = { ifindex: 0, attachType: 4, ids: 16, count: 24 } as const;

/** What a kernel answers that knows no such command or place, or no such device, and so has no programs there. */
const absent: readonly string[] = ['EINVAL', 'ENOENT', 'ENODEV', 'ENXIO', 'ENOSYS', 'EOPNOTSUPP'];

/** Why there is no list of programs: `denied` = this user may not ask. */
export type NoPrograms = 'denied' | { readonly unknown: string };

/** What a refusal of the list of programs at a place means, by the name of its errno. */
export function refusedAs(place: ProgramPlace, errno: string): readonly number[] | NoPrograms {
  if (errno === 'EPERM') return 'denied';
  // programs of a pair are attached by its first device alone (netkit_dev_fetch, drivers/net/netkit.c)
  const isSecond = errno === 'EACCES' && place.startsWith('netkit');
  return isSecond || absent.includes(errno) ? [] : { unknown: errno };
}

/** What is said on a machine whose system calls are not known here. */
const noNumber = `the system call bpf of ${process.arch} is not known to this program`;

/**
 * Ids of the programs that are attached to a device of the calling thread's network namespace (bpf(2), BPF_PROG_QUERY).
 * Empty also where the kernel knows no such place (before Linux 6.6), for then nobody can have attached anything there.
 */
export function programsAt(ifindex: number, place: ProgramPlace): readonly number[] | NoPrograms {
  const c = libc();
  if (!c.hasBpfNumber) return { unknown: noNumber };
  const ids = new Uint32Array(maxPrograms);
  const idBytes = new Uint8Array(ids.buffer);
  const attributes = new Uint8Array(attributesLength);
  const view = new DataView(attributes.buffer);
  view.setUint32(at.ifindex, ifindex, true);
  view.setUint32(at.attachType, places[place], true);
  view.setBigUint64(at.ids, c.addressOf(idBytes), true);
  view.setUint32(at.count, maxPrograms, true);
  if (c.bpf(BPF_PROG_QUERY, attributes) < 0) return refusedAs(place, c.errnoName(c.errno()));
  return [...ids.subarray(0, Math.min(maxPrograms, view.getUint32(at.count, true)))];
}

const [BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD] = [13, 15] as const;
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

/** One of the kernel's bpf(2) commands on numbers of 32 bits, which it changes; its result, negative = refused. */
function askBpf(command: number, words: readonly number[]): { readonly result: number; readonly words: Uint32Array } {
  const attributes = new Uint8Array(attributesLength);
  const answered = new Uint32Array(attributes.buffer);
  answered.set(words);
  return { result: libc().bpf(command, attributes), words: answered };
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
  const isEnd = (errno: string): boolean => errno === 'EPERM' || absent.includes(errno);
  const programs: NetfilterProgram[] = [];
  let next = askBpf(BPF_LINK_GET_NEXT_ID, [0]);
  while (next.result >= 0) {
    const [, link = 0] = next.words;
    const fd = openLink(link);
    if (fd >= 0) {
      const info = programInfo(fd, new Uint8Array(infoLength));
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

/** struct bpf_link_info or bpf_prog_info of a descriptor, filled in; null = the kernel does not say. */
export function programInfo(fd: number, info: Uint8Array): DataView | null {
  const attributes = new ArrayBuffer(attributesLength);
  new Uint32Array(attributes).set([fd, info.length]); // bpf_fd, info_len
  new BigUint64Array(attributes).set([libc().addressOf(info)], 1);
  return libc().bpf(BPF_OBJ_GET_INFO_BY_FD, new Uint8Array(attributes)) < 0 ? null : new DataView(info.buffer);
}

/** struct bpf_prog_info, until the program's name. */
const programAt = { tag: 8, codeLength: 20, code: 32, name: 64, end: 80 } as const;

/** A program in the kernel: its name, the tag of its instructions (hex), and these as the verifier left them. */
export interface LoadedProgram {
  readonly name: string;
  readonly tag: string;
  readonly code: Uint8Array;
}

/** The program of that number; null = it is gone, or this user may not ask (CAP_SYS_ADMIN). */
export function loadedProgram(id: number): LoadedProgram | null {
  const { result: fd } = askBpf(BPF_PROG_GET_FD_BY_ID, [id]);
  if (fd < 0) return null;
  try {
    const length = programInfo(fd, new Uint8Array(programAt.end))?.getUint32(programAt.codeLength, true) ?? 0;
    const code = new Uint8Array(length);
    const info = new Uint8Array(programAt.end);
    const view = new DataView(info.buffer);
    view.setUint32(programAt.codeLength, length, true);
    if (length > 0) view.setBigUint64(programAt.code, libc().addressOf(code), true);
    if (programInfo(fd, info) === null) return null;
    const [name = ''] = Buffer.from(info.subarray(programAt.name, programAt.end)).toString('latin1').split('\0');
    return { name, tag: Buffer.from(info.subarray(programAt.tag, programAt.tag + 8)).toString('hex'), code };
  } finally {
    libc().close(fd);
  }
}
