import { word } from '../audit/shell-word.js';

/** The text as one word for a POSIX shell: as it is where that is harmless and no option, else in single quotes. */
export function quoteForShell(text: string): string {
  const literal = word(text);
  return literal.startsWith('-') ? `'${text}'` : literal;
}
