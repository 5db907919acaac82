import { describe, expect, it } from 'vitest';
import { runBpf } from '../../../../../src/core/bridge/bypass/run-bpf.js';
import { type BpfInstruction, encodeBpf } from '../../../../../src/system/kernel/bpf.js';

const frame = Uint8Array.from({ length: 60 }, (_, at) => at);
frame.set([0x08, 0x00], 12);
frame.set([0x45], 14);
frame[23] = 17;
frame.set([0, 67, 0, 68], 34);
const meta = { protocol: 0x0800, packetType: 3 };
const run = (...program: readonly BpfInstruction[]): number | null => runBpf(encodeBpf(program), frame, meta);

/** What dhclient attaches: IPv4, UDP, no fragment, to port 68. */
const dhclient: readonly BpfInstruction[] = [
  [0x28, 0, 0, 12],
  [0x15, 0, 8, 0x0800],
  [0x30, 0, 0, 23],
  [0x15, 0, 6, 17],
  [0x28, 0, 0, 20],
  [0x45, 4, 0, 0x1fff],
  [0xb1, 0, 0, 14],
  [0x48, 0, 0, 16],
  [0x15, 0, 1, 68],
  [0x06, 0, 0, 0xffff_ffff],
  [0x06, 0, 0, 0],
];

describe('a program of classic BPF over a frame', () => {
  it('takes what the kernel takes', () => {
    frame.set([0, 0], 20);
    expect(run(...dhclient)).toBe(0xffff_ffff);
    expect(
      runBpf(
        encodeBpf(dhclient),
        frame.map((byte, at) => (at === 37 ? 69 : byte)),
        meta,
      ),
    ).toBe(0);
    expect(
      runBpf(
        encodeBpf(dhclient),
        frame.map((byte, at) => (at === 13 ? 6 : byte)),
        meta,
      ),
    ).toBe(0);
  });

  it('loads words, halves, bytes, from the index register and from memory', () => {
    expect(run([0x20, 0, 0, 4], [0x16, 0, 0, 0])).toBe(0x04050607);
    expect(run([0x28, 0, 0, 4], [0x16, 0, 0, 0])).toBe(0x0405);
    expect(run([0x01, 0, 0, 5], [0x50, 0, 0, 1], [0x16, 0, 0, 0])).toBe(6);
    expect(run([0x00, 0, 0, 9], [0x02, 0, 0, 3], [0x00, 0, 0, 1], [0x60, 0, 0, 3], [0x16, 0, 0, 0])).toBe(9);
    expect(run([0x80, 0, 0, 0], [0x16, 0, 0, 0])).toBe(60);
  });

  it('calculates in 32 bits, without sign', () => {
    const of = (code: number, a: number, k: number): number | null =>
      run([0x00, 0, 0, a], [code, 0, 0, k], [0x16, 0, 0, 0]);
    expect(of(0x14, 1, 2)).toBe(0xffff_ffff);
    expect(of(0x24, 0x1_0001, 0x1_0000)).toBe(0x1_0000);
    expect(of(0x34, 7, 2)).toBe(3);
    expect(of(0x34, 7, 0)).toBe(0);
    expect(of(0x64, 1, 31)).toBe(0x8000_0000);
    expect(of(0xa4, 6, 3)).toBe(5);
  });

  it('refuses what is loaded from behind its end', () => {
    expect(run([0x20, 0, 0, 57], [0x06, 0, 0, 1])).toBe(0);
    expect(run([0x30, 0, 0, 59], [0x06, 0, 0, 1])).toBe(1);
  });

  it('knows protocol and packet type, and says so where it does not know', () => {
    expect(run([0x20, 0, 0, 0xffff_f000], [0x16, 0, 0, 0])).toBe(0x0800);
    expect(run([0x20, 0, 0, 0xffff_f004], [0x16, 0, 0, 0])).toBe(3);
    expect(run([0x20, 0, 0, 0xffff_f008], [0x16, 0, 0, 0])).toBeNull(); // the interface
    expect(run([0x00, 0, 0, 1])).toBeNull(); // no end
    expect(runBpf(new Uint8Array(3), frame, meta)).toBeNull();
  });
});
