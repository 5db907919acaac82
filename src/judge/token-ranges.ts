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
  let merged = true;

  function merge(): void {
    ranges.sort((a, b) => a.first - b.first);
    const joined: Range[] = [];
    for (const range of ranges) {
      const last = joined[joined.length - 1];
      if (last !== undefined && range.first <= last.end) last.end = Math.max(last.end, range.end);
      else joined.push(range);
    }
    ranges = joined;
    merged = true;
  }
  /** Position of the first range that ends behind `token`. */
  function behind(token: number): number {
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.end ?? 0) > token) high = middle;
      else low = middle + 1;
    }
    return low;
  }
  return {
    add(first, count) {
      if (count <= 0) return;
      const last = ranges[ranges.length - 1];
      if (last !== undefined && last.end === first) {
        last.end += count;
        return;
      }
      ranges.push({ first, end: first + count });
      merged = false;
    },
    overlap(first, count) {
      if (!merged) merge();
      let sum = 0;
      for (let at = behind(first); ; at += 1) {
        const range = ranges[at];
        if (range === undefined || range.first >= first + count) return sum;
        sum += Math.min(range.end, first + count) - Math.max(range.first, first);
      }
    },
  };
}
