let lastSecond = { second: 0n, text: '1970-01-01T00:00:00' };

function secondText(second: bigint): string {
  if (second === lastSecond.second) return lastSecond.text;
  const date = new Date(Number(second) * 1000);
  const text = Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 19);
  lastSecond = { second, text };
  return text;
}

/** ns since 1970 as RFC 3339 text in UTC. */
export function timeText(timeNs: bigint): string {
  return `${secondText(timeNs / 1_000_000_000n)}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** Milliseconds of `30s`, `500ms`, `1.5m` or 0; null = no such time, or no integer. */
export function milliseconds(value: unknown): number | null {
  if (value === 0 || value === '0') return 0;
  const [, amount, unit] =
    (typeof value === 'string' ? /^([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h)$/.exec(value) : null) ?? [];
  const scale = unitMs.get(unit ?? '');
  if (amount === undefined || scale === undefined) return null;
  // In millionths, so that 0.1s is not 100.00000000000001 ms.
  const [whole = '0', fraction = ''] = amount.split('.');
  const millionths = (BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))) * BigInt(scale);
  if (millionths % 1_000_000n !== 0n) return null;
  return Number(millionths / 1_000_000n);
}

/** In the bridge's 1/100 s; null also above 32 bits. */
export function centiseconds(value: unknown): number | null {
  const ms = milliseconds(value);
  return ms === null || ms % 10 !== 0 || ms / 10 > 0xffffffff ? null : ms / 10;
}
