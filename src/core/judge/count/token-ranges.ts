/** A run's tokens that the kernel accepted, as ranges. */
export interface TokenRanges {
  add(first: number, count: number): void;
  /** Distinct tokens among first … first+count−1. */
  overlap(first: number, count: number): number;
}

interface Range {
  readonly first: number;
  end: number;
}

export function createTokenRanges(): TokenRanges {
  let ranges: Range[] = [];
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

/** Marks are a byte each, from token `first` on. */
export function tokensText(marks: Uint8Array, first: number): string {
  const ranges: string[] = [];
  for (let at = 0; at < marks.length; at += 1) {
    if (marks[at] === 0) continue;
    const from = at;
    while (at + 1 < marks.length && marks[at + 1] !== 0) at += 1;
    ranges.push(from === at ? String(first + from) : `${first + from}-${first + at}`);
  }
  return ranges.join(',');
}

/** Visits such a text's tokens in `first` … `end`−1. Ignores other words. */
export function forTokens(
  text: string,
  { first, end }: { readonly first: number; readonly end: number },
  visit: (token: number) => void,
): void {
  for (const range of text.split(',')) {
    const [, from, to = from] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(range) ?? [];
    if (from === undefined) continue;
    const last = Math.min(Number(to), end - 1);
    for (let token = Math.max(Number(from), first); token <= last; token += 1) visit(token);
  }
}
