/**
 * Whether a name fits a glob of `*` (any characters, also none) and `?` (one character). Takes time in proportion to
 * both lengths multiplied, never more.
 */
export function matchesGlob(glob: string, name: string): boolean {
  let [g, n] = [0, 0];
  let [star, resume] = [-1, 0];
  while (n < name.length) {
    if (g < glob.length && glob[g] === '*') {
      [star, resume] = [g, n];
      g += 1;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g += 1;
      n += 1;
    } else if (star >= 0) {
      resume += 1;
      [g, n] = [star + 1, resume];
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g += 1;
  return g === glob.length;
}

export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}
