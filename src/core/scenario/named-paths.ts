/** What a file that a command names may hold, ten times the rules of a firewall of ten thousand guests. */
export const maxNamedBytes = 64 * 1024 * 1024;

/** A path inside a word: `--db=unix:/run/x.sock`, `options:path=/dev/x`. */
const pathInside = /(?<=^|[=,"'\s{(@]|[A-Za-z0-9_]:)((?:\.\.)?\/[^\s"',;{}]*|\.\.)/g;

/** The paths inside a word: what can be nothing else than a path, whether something is there or not. */
export function pathsIn(word: string): readonly string[] {
  return word.match(pathInside) ?? [];
}

/**
 * A word with others in the place of the paths that it consists of or has inside; `replacement`: undefined = the path
 * stays.
 */
export function replacePaths(word: string, replacement: (path: string) => string | undefined): string {
  return replacement(word) ?? word.replaceAll(pathInside, (path) => replacement(path) ?? path);
}
