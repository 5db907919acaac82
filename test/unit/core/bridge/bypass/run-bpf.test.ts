import { describe, expect, it } from 'vitest';
import { runBpf, type SeenFrame } from '../../../../../src/core/bridge/bypass/run-bpf.js';
import { type BpfInstruction, encodeBpf } from '../../../../../src/system/kernel/bpf.js';

const frame = Uint8Array.from({ length: 60 }, (_, at) => at);
frame.set([0x08, 0x00], 12);
frame.set([0x45], 14);
frame[23] = 17;
frame.set([0, 67, 0, 68], 34);
const seen = (bytes: Uint8Array, parts: Partial<SeenFrame> = {}): SeenFrame => ({
  bytes,
  unknown: new Uint8Array(bytes.length),
  dataAt: 0,
  networkAt: 14,
  protocol: 0x0800,
  ...parts,
});
/** With bytes that may have any value. */
const unsure = (...offsets: readonly number[]): SeenFrame =>
  seen(frame, { unknown: frame.map((_, at) => (offsets.includes(at) ? 1 : 0)) });
const over = (what: SeenFrame, ...program: readonly BpfInstruction[]): number | null =>
  runBpf(encodeBpf(program), what);
const run = (...program: readonly BpfInstruction[]): number | null => over(seen(frame), ...program);

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
    const changed = (offset: number, value: number) => seen(frame.map((byte, at) => (at === offset ? value : byte)));
    expect(over(changed(37, 69), ...dhclient)).toBe(0);
    expect(over(changed(13, 6), ...dhclient)).toBe(0);
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

  it('knows the protocol, and says so where it does not know', () => {
    expect(run([0x20, 0, 0, 0xffff_f000], [0x16, 0, 0, 0])).toBe(0x0800);
    expect(run([0x20, 0, 0, 0xffff_f004], [0x16, 0, 0, 0])).toBeNull(); // the packet type
    expect(run([0x20, 0, 0, 0xffff_f008], [0x16, 0, 0, 0])).toBeNull(); // the interface
    expect(run([0x20, 0, 0, 0xffff_f008], [0x06, 0, 0, 0])).toBe(0);
    expect(run([0x00, 0, 0, 1])).toBeNull(); // no end
    expect(run([0x05, 0, 0, 0xffff_ffff], [0x06, 0, 0, 0])).toBeNull();
    expect(runBpf(new Uint8Array(3), seen(frame))).toBeNull();
  });

  it('counts negative offsets from the network header and from the link header', () => {
    expect(run([0x30, 0, 0, 0xfff0_0009], [0x16, 0, 0, 0])).toBe(17);
    expect(run([0x28, 0, 0, 0xffe0_000c], [0x16, 0, 0, 0])).toBe(0x0800);
    expect(run([0x01, 0, 0, 9], [0x50, 0, 0, 0xfff0_0000], [0x16, 0, 0, 0])).toBe(17);
    expect(run([0x30, 0, 0, 0xfff0_002e], [0x06, 0, 0, 1])).toBe(0); // behind the end
    expect(run([0x30, 0, 0, 0x8000_0000], [0x06, 0, 0, 1])).toBe(0);
    // without a link header in its data it is still there; behind a tag the network header may be in two places
    expect(over(seen(frame, { dataAt: 14 }), [0x30, 0, 0, 9], [0x16, 0, 0, 0])).toBe(17);
    expect(over(seen(frame, { dataAt: 14 }), [0x28, 0, 0, 0xffe0_000c], [0x16, 0, 0, 0])).toBe(0x0800);
    expect(over(seen(frame, { networkAt: null }), [0x30, 0, 0, 0xfff0_0009], [0x16, 0, 0, 0])).toBeNull();
  });

  it('adds the index register to an offset in 32 bits', () => {
    expect(run([0x01, 0, 0, 0xffff_ffff], [0x50, 0, 0, 24], [0x16, 0, 0, 0])).toBe(17);
  });

  it('follows both ways where a byte is not known', () => {
    const tcpPort: readonly BpfInstruction[] = [
      [0x30, 0, 0, 23],
      [0x15, 0, 1, 6],
      [0x06, 0, 0, 1],
      [0x06, 0, 0, 0],
    ];
    expect(run(...tcpPort)).toBe(0);
    expect(over(unsure(23), ...tcpPort)).toBeNull();
    expect(over(unsure(24), ...tcpPort)).toBe(0);
    expect(over(unsure(23), [0x30, 0, 0, 23], [0x54, 0, 0, 1], [0x16, 0, 0, 0])).toBeNull();
    expect(over(unsure(14), [0xb1, 0, 0, 14], [0x48, 0, 0, 16], [0x16, 0, 0, 0])).toBeNull();
    // whichever way it goes it refuses
    expect(over(unsure(23), [0x30, 0, 0, 23], [0x15, 1, 0, 6], [0x06, 0, 0, 0], [0x06, 0, 0, 0])).toBe(0);
    expect(over(unsure(40, 41, 42, 43), ...dhclient.with(8, [0x15, 0, 1, 70]))).toBe(0);
  });

  it('compares what is known of a word', () => {
    const word = (value: number): number | null =>
      over(unsure(7), [0x20, 0, 0, 4], [0x15, 0, 1, value], [0x06, 0, 0, 1], [0x06, 0, 0, 0]);
    expect(word(0x0405_06ff)).toBeNull();
    expect(word(0x0405_ff07)).toBe(0);
    const masked = (mask: number): number | null =>
      over(unsure(7), [0x20, 0, 0, 4], [0x54, 0, 0, mask], [0x16, 0, 0, 0]);
    expect(masked(0xffff_ff00)).toBe(0x0405_0600);
    expect(masked(0xff)).toBeNull();
    const set = (bit: number): number | null =>
      over(unsure(7), [0x20, 0, 0, 4], [0x45, 0, 1, bit], [0x06, 0, 0, 1], [0x06, 0, 0, 0]);
    expect([set(0x0400_0000), set(0x0800_0000), set(1)]).toEqual([1, 0, null]);
  });

  it('knows of a port of other traffic that it is none of DHCP', () => {
    const open = seen(frame, { unknown: new Uint8Array(60).fill(1, 20), ports: [36], isOpen: true });
    expect(over(open, ...dhclient)).toBe(0);
    expect(over(open, [0x28, 0, 0, 36], [0x15, 0, 1, 443], [0x06, 0, 0, 1], [0x06, 0, 0, 0])).toBeNull();
    expect(over(open, [0x28, 0, 0, 90], [0x06, 0, 0, 1])).toBe(1);
  });
});
