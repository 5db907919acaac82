/** Tokens of a run as ranges: what a kernel accepted. */
export interface TokenRanges {
  add(first: number, count: number): void;
  /** How many of the tokens first … first+count−1 are in it; each counts once. */
  overlap(first: number, count: number): number;
}

interface Range {
  readonly first: number;
  end: number;
}

export function createTokenRanges(): TokenRanges {
  let ranges: Range[] = [];
  /** The ranges in order and apart; null = they have to be brought into it first. */
  let joined: readonly Range[] | null = null;

  function join(): readonly Range[] {
    const apart: Range[] = [];
    ranges.sort((a, b) => a.first - b.first);
    for (const range of ranges) {
      const last = apart[apart.length - 1];
      if (last !== undefined && range.first <= last.end) last.end = Math.max(last.end, range.end);
      else apart.push(range);
    }
    ranges = apart;
    return apart;
  }
  /** Position of the first range that ends behind `token`. */
  function behind(token: number, among: readonly Range[]): number {
    let [low, high] = [0, among.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((among[middle]?.end ?? 0) > token) high = middle;
      else low = middle + 1;
    }
    return low;
  }
  return {
    add(first, count) {
      if (count <= 0) return;
      joined = null;
      const last = ranges[ranges.length - 1];
      if (last?.end === first) last.end += count;
      else ranges.push({ first, end: first + count });
    },
    overlap(first, count) {
      joined ??= join();
      let sum = 0;
      for (let at = behind(first, joined); ; at += 1) {
        const range = joined[at];
        if (range === undefined || range.first >= first + count) return sum;
        sum += Math.min(range.end, first + count) - Math.max(range.first, first);
      }
    },
  };
}
