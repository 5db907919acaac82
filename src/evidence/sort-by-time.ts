/**
 * Positions 0 … time.length−1 in the order of their times; equal times stay in their order. Merges runs: captures are
 * mostly in order.
 */
export function sortByTime(time: Float64Array): Uint32Array {
  const count = time.length;
  let runs: number[] = [0];
  for (let i = 1; i < count; i += 1) if ((time[i] ?? 0) < (time[i - 1] ?? 0)) runs.push(i);
  let from = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) from[i] = i;
  let to = new Uint32Array(count);
  while (runs.length > 1) {
    const next: number[] = [];
    for (let run = 0; run < runs.length; run += 2) {
      const start = runs[run] ?? 0;
      const middle = runs[run + 1] ?? count;
      const end = runs[run + 2] ?? count;
      merge(from, to, time, start, middle, end);
      next.push(start);
    }
    runs = next;
    [from, to] = [to, from];
  }
  return from;
}

function merge(
  from: Uint32Array,
  to: Uint32Array,
  time: Float64Array,
  start: number,
  middle: number,
  end: number,
): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at += 1) {
    const one = from[left] ?? 0;
    const other = from[right] ?? 0;
    const takeLeft = left < middle && (right >= end || (time[one] ?? 0) <= (time[other] ?? 0));
    to[at] = takeLeft ? one : other;
    if (takeLeft) left += 1;
    else right += 1;
  }
}
