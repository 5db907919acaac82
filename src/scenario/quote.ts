const longest = 60;

/**
 * Text from a file as it may appear in a message: in double quotes, cut after 60 characters, with everything escaped
 * that a terminal would obey or that would reorder the line (control, format and bidirectional characters, lone
 * surrogates).
 */
export function quote(text: string): string {
  const characters = [...text.slice(0, longest * 2)];
  const shown = characters.slice(0, longest).map(escape).join('');
  return `"${shown}${text.length > longest && characters.length > longest ? '…' : ''}"`;
}

/** The same escapes without quotes and without a limit: for paths. */
export function escapeText(text: string): string {
  return [...text].map(escape).join('');
}

function escape(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
