/** A word as a shell takes it literally: names of interfaces are data and may hold anything the kernel allows. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
