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
