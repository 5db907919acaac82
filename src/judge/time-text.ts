/** The second that was asked for last: rows of a step have few. */
let lastSecond = { second: 0n, text: '1970-01-01T00:00:00' };

function secondText(second: bigint): string {
  if (second === lastSecond.second) return lastSecond.text;
  const date = new Date(Number(second) * 1000);
  const text = Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 19);
  lastSecond = { second, text };
  return text;
}

/** Nanoseconds since 1970 as RFC 3339 text in UTC. */
export function timeText(timeNs: bigint): string {
  return `${secondText(timeNs / 1_000_000_000n)}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}
