import { usageError } from '../../../core/model/verify-error.js';

/** `17` or `17-36`: packet ids, first and last; null where nothing was asked. VerifyError 64 for anything else. */
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

/**
 * A time in UTC with up to nine decimals, as reports print it, in ns since 1970; null where nothing was asked.
 * VerifyError 64 for anything else.
 */
export function readTimeNs(option: string, text: string | undefined): bigint | null {
  if (text === undefined) return null;
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms))
    throw usageError(`${option} ${text}: not a time in UTC`, `give it as in ${option} 2026-11-24T17:43:56.391807Z`);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
