// Control characters (C0, DEL, C1), marks that reorder or hide text (Unicode TR 36, section 3), line separators, halves
// of surrogate pairs.
const dangerous =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]|[\u{e0000}-\u{e007f}]/gu;

/**
 * Commands to the runner of a pipeline: GitHub's and Azure's take `##[name]` and `##vso[name]` anywhere in a line,
 * GitHub's `::name::` where the line begins with it.
 */
const pipelineCommand = /#(?=#(?:vso)?\[)|^(\s*):(?=:[\w-]+(?:\s[^:]*)?::)/g;

/** True if a line that begins with this word would be a command to a pipeline's runner. */
export function isPipelineCommand(word: string): boolean {
  return /^::[\w-]/.test(word);
}

/**
 * Text from a guest, a file or an interface name as one harmless line: what a terminal, or the runner of a pipeline,
 * would act on appears as `\u{1b}`.
 */
export function escapeText(text: string): string {
  return text
    .replace(dangerous, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(pipelineCommand, (found) => found.replace(/[#:]$/, (mark) => (mark === '#' ? '\\u{23}' : '\\u{3a}')));
}

/** `port` beside 1, else `ports`; `many` where a word ends otherwise. */
export function nounFor(count: number, singular: string, many = `${singular}s`): string {
  return count === 1 ? singular : many;
}

/** `1 port`, `2 ports` */
export function counted(count: number, singular: string, many?: string): string {
  return `${count} ${nounFor(count, singular, many)}`;
}

const maxQuoted = 60;

/**
 * Text from a file as it may appear in a message: in double quotes, cut after 60 characters, with everything escaped
 * that a terminal would obey or that would reorder the line (control, format and bidirectional characters, lone
 * surrogates).
 */
export function quote(text: string): string {
  const characters = [...text.slice(0, maxQuoted * 2)];
  const shown = characters.slice(0, maxQuoted).map(escapeCharacter).join('');
  return `"${shown}${text.length > maxQuoted && characters.length > maxQuoted ? '…' : ''}"`;
}

/** The same escapes without quotes and without a limit: for paths. */
export function escapePath(text: string): string {
  return [...text].map(escapeCharacter).join('');
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

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
