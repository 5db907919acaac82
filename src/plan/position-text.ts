/** Positions in a list as text, `0*999,1*999` or `1,2,3`: runs of one are written without their length. */
export function positionText(positions: Uint32Array): string {
  const parts: string[] = [];
  for (let at = 0; at < positions.length; ) {
    const value = positions[at] ?? 0;
    let end = at + 1;
    while (end < positions.length && positions[end] === value) end += 1;
    parts.push(end - at === 1 ? String(value) : `${value}*${end - at}`);
    at = end;
  }
  return parts.join(',');
}

/** Reads `positionText`; null where it does not say exactly `count` positions in a list of `listed`. */
export function parsePositions(text: string, count: number, listed: number): Uint32Array | null {
  const positions = new Uint32Array(count);
  let at = 0;
  for (const part of text.split(',')) {
    const [value = Number.NaN, length = 1] = part.split('*', 2).map(Number);
    if (!Number.isInteger(value) || value < 0 || value >= listed || !Number.isInteger(length) || length < 1 || at + length > count) return null;
    positions.fill(value, at, at + length);
    at += length;
  }
  return at === count ? positions : null;
}
