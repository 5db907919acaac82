/** A word as a shell takes it literally: names of interfaces are data and may hold anything the kernel allows. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A name as a part of a file's: names of guests, networks and interfaces may be anything. */
export function fileWord(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}

/** The text as one word for a POSIX shell: as it is where that is harmless and no option, else in single quotes. */
export function quoteForShell(text: string): string {
  const literal = word(text);
  return literal.startsWith('-') ? `'${text}'` : literal;
}
