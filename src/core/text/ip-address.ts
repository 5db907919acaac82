import type { IpPrefix } from '../model/scenario.js';

/** An address as a number. */
export interface IpNumber {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** IPv4 without leading zeros, or IPv6 (RFC 4291 2.2) without zone; null = neither. */
export function parseIp(text: string): IpNumber | null {
  if (text.includes(':')) return parseIpv6(text);
  const value = parseIpv4(text);
  return value === null ? null : { family: 4, value };
}

/** Dotted decimal, or RFC 5952. */
export function formatIp({ family, value }: IpNumber): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  // RFC 5952 4.2: the first of the longest runs of two or more zero groups is shortened.
  let [start, length] = [0, 0];
  for (let at = 0; at < 8; at += 1) {
    let end = at;
    while (groups[end] === '0') end += 1;
    if (end - at > length) [start, length] = [at, end - at];
  }
  return length < 2
    ? groups.join(':')
    : `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** Parses `192.168.0.20/24`; null = bad address or length. */
export function parsePrefix(text: string): IpPrefix | null {
  const [address = '', length = '', ...rest] = text.split('/');
  const ip = parseIp(address);
  if (ip === null || rest.length > 0 || !/^(0|[1-9][0-9]{0,2})$/.test(length)) return null;
  const prefix = Number(length);
  return prefix > bitsOf(ip.family) ? null : { family: ip.family, address: formatIp(ip), prefix };
}

export function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

function parseIpv4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255))
    return null;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): IpNumber | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1)?.at(-1);
  if (last?.includes('.')) {
    const tail = parseIpv4(last);
    if (tail === null) return null;
    groups.at(-1)?.splice(-1, 1, (tail >> 16n).toString(16), (tail & 0xffffn).toString(16));
  }
  const [head = [], tail = []] = groups;
  const groupCount = head.length + tail.length;
  if (halves.length === 1 ? groupCount !== 8 : groupCount > 7) return null;
  const words = [...head, ...Array.from({ length: 8 - groupCount }, () => '0'), ...tail];
  if (!words.every((part) => /^[0-9A-Fa-f]{1,4}$/.test(part))) return null;
  return { family: 6, value: words.reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n) };
}
