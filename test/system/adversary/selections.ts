import type { Random } from '../../support/lab/random.js';

/** Selects frames. The carriers of the probe match it, so that it always takes some. */
export interface Selection {
  readonly name: string;
  readonly carriers: string;
  readonly count: number;
  /** The match of tc's u32 and its protocol. */
  readonly tc: { readonly protocol: string; readonly match: string };
  /** The match of nft in families `netdev` and `bridge`. */
  readonly nft: string;
  /** The word of tools/attack.py. */
  readonly word: string;
  /** Takes one frame in this number. */
  readonly oneIn: number;
}

const everything = { protocol: 'all', match: 'u32 0 0' };

/** A token's index ends at byte 9 of it; behind Ethernet's type it stands at once, or behind IPv4 and UDP. */
function byIndex(carrier: 'raw' | 'ipv4-udp', bits: number): { protocol: string; match: string } {
  const mask = `0x${(2 ** bits - 1).toString(16).padStart(2, '0')}`;
  return carrier === 'raw'
    ? { protocol: '0x88b5', match: `u8 0x00 ${mask} at 9` }
    : { protocol: 'ip', match: `u8 0x00 ${mask} at 37` };
}

export function drawSelection(random: Random): Selection {
  const carrier = random.pick(['raw', 'ipv4-udp'] as const);
  const bits = 1 + random.below(4);
  const n = 2 ** bits;
  const choices: readonly Selection[] = [
    { name: 'all', carriers: 'raw, ipv4-udp, ipv6-udp', count: 12, tc: everything, nft: '', word: 'all', oneIn: 1 },
    {
      name: `1 in ${n} ${carrier}`,
      carriers: carrier,
      count: 64,
      tc: byIndex(carrier, bits),
      nft: `numgen inc mod ${n} 0`,
      word: `1in:${n}`,
      oneIn: n,
    },
    {
      name: 'raw',
      carriers: 'raw, ipv4-udp',
      count: 12,
      tc: { protocol: '0x88b5', match: 'u32 0 0' },
      nft: 'ether type 0x88b5',
      word: 'type:88b5',
      oneIn: 1,
    },
    {
      name: 'IPv4',
      carriers: 'raw, ipv4-udp',
      count: 12,
      tc: { protocol: 'ip', match: 'u32 0 0' },
      nft: 'ether type ip',
      word: 'type:0800',
      oneIn: 1,
    },
    {
      name: 'IPv6',
      carriers: 'ipv6-udp, raw',
      count: 12,
      tc: { protocol: 'ipv6', match: 'u32 0 0' },
      nft: 'ether type ip6',
      word: 'type:86dd',
      oneIn: 1,
    },
  ];
  return random.pick(choices);
}

/** A probe that a sends to b and that only b may have. */
export function privateProbe(carriers: string, count: number): string {
  return `{ class: known-unicast, from: a, to: b, count: ${count}, carriers: [${carriers}] }`;
}
