/** A name as a part of a file's: names of guests, networks and interfaces may be anything. */
export function fileWord(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}
