import { usageError } from '../../../core/model/verify-error.js';

/** Packet ids of `17` or `17-36`; null = none given. VerifyError (64). */
export function readProbes(text: string | undefined): { readonly first: number; readonly last: number } | null {
  if (text === undefined) return null;
  const [, first, last = first] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text) ?? [];
  if (first === undefined || Number(last) < Number(first))
    throw usageError(
      `--probe ${text}: neither a packet id nor a range of them`,
      'give it as in --probe 17 or --probe 17-36',
    );
  return { first: Number(first), last: Number(last) };
}

/** A UTC time with up to nine decimals, in ns since 1970; null = none given. VerifyError (64). */
export function readTimeNs(option: string, text: string | undefined): bigint | null {
  if (text === undefined) return null;
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms))
    throw usageError(`${option} ${text}: not a time in UTC`, `give it as in ${option} 2026-11-24T17:43:56.391807Z`);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
