/**
 * Positions as text: `0*999,5,1-998` is 0 for 999 times, 5, then 1 to 998. Single ones have no length; ranges begin at
 * three.
 */
export function positionText(positions: Uint32Array): string {
  const parts: string[] = [];
  for (let at = 0; at < positions.length; ) {
    const value = positions[at] ?? 0;
    let same = at + 1;
    while (same < positions.length && positions[same] === value) same += 1;
    let climbing = at + 1;
    while (climbing < positions.length && positions[climbing] === value + climbing - at) climbing += 1;
    if (climbing - at > 2) {
      parts.push(`${value}-${value + climbing - at - 1}`);
      at = climbing;
    } else {
      parts.push(same - at === 1 ? String(value) : `${value}*${same - at}`);
      at = same;
    }
  }
  return parts.join(',');
}

const part = /^(\d{1,10})(?:([*-])(\d{1,10}))?$/;

/** Parses `positionText`; null unless it has exactly `count` positions in a list of `listed`. */
export function parsePositions(text: string, count: number, listed: number): Uint32Array | null {
  const positions = new Uint32Array(count);
  let at = 0;
  for (const word of text.split(',')) {
    const match = part.exec(word);
    if (match === null) return null;
    const [value, second] = [Number(match[1]), Number(match[3] ?? 1)];
    const climbs = match[2] === '-';
    const length = climbs ? second - value + 1 : second;
    if (value >= listed || (climbs && second >= listed) || length < 1 || at + length > count) return null;
    for (let i = 0; i < length; i += 1) positions[at + i] = climbs ? value + i : value;
    at += length;
  }
  return at === count ? positions : null;
}
