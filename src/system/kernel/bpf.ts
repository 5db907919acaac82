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
const attributesLength = 64;
const at = { ifindex: 0, attachType: 4, ids: 16, count: 24 } as const;

/**
 * Ids of the programs that are attached to a device of the calling thread's network namespace (bpf(2), BPF_PROG_QUERY);
 * `denied`: this user may not ask. Empty also where the kernel knows no such place (before Linux 6.6), for then nobody
 * can have attached anything there.
 */
export function programsAt(ifindex: number, place: ProgramPlace): readonly number[] | 'denied' {
  const c = libc();
  const ids = new Uint32Array(maxPrograms);
  const idBytes = new Uint8Array(ids.buffer);
  const attributes = new Uint8Array(attributesLength);
  const view = new DataView(attributes.buffer);
  view.setUint32(at.ifindex, ifindex, true);
  view.setUint32(at.attachType, places[place], true);
  view.setBigUint64(at.ids, c.addressOf(idBytes), true);
  view.setUint32(at.count, maxPrograms, true);
  if (c.bpf(BPF_PROG_QUERY, attributes) < 0) return c.errnoName(c.errno()) === 'EPERM' ? 'denied' : [];
  return [...ids.subarray(0, Math.min(maxPrograms, view.getUint32(at.count, true)))];
}
