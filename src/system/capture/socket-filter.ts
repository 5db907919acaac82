import { VerifyError } from '../../core/model/verify-error.js';
import { packetTypes } from '../../core/pcap/ring/block.js';
import { type BpfInstruction, encodeBpf, loadPacketType, refuse } from '../kernel/bpf.js';

/** Outgoing frames, all others, or those the host's stack accepts. */
export type HandleKind = 'out' | 'in' | 'host';

const directionTest: { readonly [K in HandleKind]: readonly BpfInstruction[] } = {
  out: [loadPacketType, [0x15, 1, 0, packetTypes.outgoing], refuse], // jeq: skip the refusal
  in: [loadPacketType, [0x15, 0, 1, packetTypes.outgoing], refuse],
  // jgt: HOST 0, BROADCAST 1, MULTICAST 2 pass, OTHERHOST 3 does not
  host: [loadPacketType, [0x25, 0, 1, packetTypes.multicast], refuse],
};

/** Refuses every frame. */
export const refuseEverything: Uint8Array = encodeBpf([refuse]);

/**
 * Tests the direction in the kernel, so that `delivered = received − dropped` is exact. pcap_setdirection discards
 * after counting.
 */
export function withDirection(kind: HandleKind, program: Uint8Array): Uint8Array {
  const test = encodeBpf(directionTest[kind]);
  const complete = new Uint8Array(test.length + program.length);
  complete.set(test);
  complete.set(program, test.length); // jumps are relative and forward: they need no change
  return complete;
}

/**
 * Refuses words on packet type or interface: libpcap at first tests them in user space, and silently loses frames
 * (libpcap issues 1482, 1402, 1254). Throws VerifyError `bad-filter`.
 */
export function checkFilterWords(filter: string): void {
  const word = /\b(inbound|outbound|ifindex)\b/.exec(filter)?.[1];
  if (word !== undefined) {
    throw new VerifyError(
      'bad-filter',
      64,
      `a capture filter may not say ${JSON.stringify(word)}: ${JSON.stringify(filter)}`,
      'directions are distinguished without a filter',
    );
  }
  if (filter.includes('\0'))
    throw new VerifyError('bad-filter', 64, 'a capture filter may not contain NUL', 'remove it');
}
