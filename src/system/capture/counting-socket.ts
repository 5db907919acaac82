import { type BpfInstruction, encodeBpf, loadPacketType, refuse } from '../kernel/bpf.js';
import { libc } from '../kernel/libc.js';
import {
  attachFilter,
  linkAddress,
  linkAddressLength,
  openUnboundPacketSocket,
  packetStatistics,
} from '../kernel/packet-socket.js';
import { SO_RCVBUF, SOL_SOCKET } from '../kernel/socket-constants.js';

const everyProtocol = 0x0003; // ETH_P_ALL
const outgoing = 4; // PACKET_OUTGOING
/** ld [SKF_AD_OFF + SKF_AD_IFINDEX] */
const loadInterface: BpfInstruction = [0x20, 0, 0, 0xfffff008];
const [jumpEqual, jumpGreater, jumpGreaterEqual] = [0x15, 0x25, 0x35] as const;
/** ret #1: the kernel keeps one byte. */
const takeOne: BpfInstruction = [0x06, 0, 0, 1];
/** BPF jumps reach 255 instructions, and a run takes two. */
const maxRuns = 120;

/** Counts frames offered to packet sockets as they leave by some devices. */
export interface CountingSocket {
  /** Frames since it was opened. */
  count(): number;
  /** Takes some 10 ms. Several wait together. */
  close(): Promise<void>;
}

/** Consecutive numbers as first and last. */
export function runsOf(numbers: readonly number[]): readonly (readonly [first: number, last: number])[] {
  const runs: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

/** Accepts frames leaving by the devices. null = too many runs. */
export function countingProgram(indices: readonly number[]): readonly BpfInstruction[] | null {
  const runs = indices.length === 1 ? [] : runsOf(indices);
  if (runs.length > maxRuns) return null;
  const tests = runs.flatMap(([first, last], at): readonly BpfInstruction[] => [
    [jumpGreaterEqual, 0, 1, first],
    // not beyond the last: to the end, over the runs that follow and the refusal
    [jumpGreater, 0, 2 * (runs.length - at - 1) + 1, last],
  ]);
  return [
    loadPacketType,
    [jumpEqual, 1, 0, outgoing],
    refuse,
    ...(runs.length === 0 ? [] : [loadInterface, ...tests, refuse]),
    takeOne,
  ];
}

/**
 * Counts in this thread's network namespace, null = impossible. Nothing reads this packet socket. Once its minimal
 * buffer is full, the kernel counts accepted frames and drops them uncopied (packet_rcv, net/packet/af_packet.c).
 * PACKET_STATISTICS has both counts.
 */
export function openCountingSocket(indices: readonly number[]): CountingSocket | null {
  const [first] = indices;
  const program = countingProgram(indices);
  if (first === undefined || program === null) return null;
  const c = libc();
  let fd: number;
  try {
    fd = openUnboundPacketSocket();
  } catch {
    return null; // no more descriptors: the account stays open
  }
  try {
    c.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, new Uint8Array(4), 4);
    attachFilter(fd, encodeBpf(program));
  } catch {
    c.close(fd);
    return null;
  }
  if (c.bind(fd, linkAddress(indices.length === 1 ? first : 0, everyProtocol), linkAddressLength) < 0) {
    c.close(fd);
    return null;
  }
  let total = 0;
  return {
    count: () => (total += packetStatistics(fd).packets),
    close: () => c.closeBeside(fd),
  };
}
