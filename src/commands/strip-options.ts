/** The words of a command line without some options: `flags` stand alone, `valued` take the next word or `=VALUE`. */
export function stripOptions(
  words: readonly string[],
  flags: readonly string[],
  valued: readonly string[],
): readonly string[] {
  const kept: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const name = word.startsWith('--') ? word.slice(2).replace(/=.*$/s, '') : '';
    if (flags.includes(name)) continue;
    if (!valued.includes(name)) kept.push(word);
    else if (!word.includes('=')) at += 1;
  }
  return kept;
}
