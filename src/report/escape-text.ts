export { escapeText } from '../model/escape-text.js';

/** The text as one word for a POSIX shell: as it is where that is harmless, else in single quotes. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
