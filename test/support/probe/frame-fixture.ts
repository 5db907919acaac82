import type { FrameSpec } from '../../../src/core/model/plan.js';
import { carriers } from '../../../src/core/model/scenario.js';
import { leastSize } from '../../../src/core/probe/frames/plain.js';
import { tokensFor } from '../../../src/core/wire/token.js';

export const key = new Uint8Array(32).fill(9);
export const runTag = 0x12345678;
export const token = tokensFor(key, runTag, 42, 1);

export function spec(
  carrier: FrameSpec['carrier'],
  vlan: readonly number[],
  size = Math.max(60, leastSize(carrier, vlan.length)),
): FrameSpec {
  const v6 = carrier.startsWith('ipv6');
  const addresses = v6 ? ['2001:db8::20', '2001:db8::c8'] : ['192.168.0.20', '192.168.0.200'];
  const ip = carrier === 'raw' ? null : addresses;
  return {
    carrier,
    srcMac: '52:54:00:85:20:d1',
    dstMac: '00:11:22:33:44:55',
    vlan,
    srcIp: ip?.[0] ?? null,
    dstIp: ip?.[1] ?? null,
    size,
  };
}

const stacks = [[], [10], [1, 10]] as const;
export const forms = carriers.flatMap((carrier) => stacks.map((vlan) => ({ carrier, vlan })));
