/** Names of the devices that a run on a host makes to send by (system/fabric/host/injection-ports.ts). */
export const injectionDevice = /^vi[\da-f]{8}-\d+(\.|$)/;

/** The text of tokens that are marked by a byte each, the first of which is number `first`. */
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

/** Calls `visit` for each token of such a text from `first` on and below `end`; what is no number is left out. */
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
