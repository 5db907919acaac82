// Control characters (C0, DEL, C1), marks that reorder or hide text (Unicode TR 36, section 3), line separators, lone
// surrogates.
const dangerous =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]|[\u{e0000}-\u{e007f}]/gu;

/** `##[name]`, `##vso[name]` anywhere (GitHub, Azure), `::name::` at a line's start (GitHub). */
const pipelineCommand = /#(?=#(?:vso)?\[)|^(\s*):(?=:[\w-]+(?:\s[^:]*)?::)/g;

/** Printable ASCII without `#` and `:`, and arrows: harmless, and found in a tenth of the time. */
const harmless = /^[ -"$-9;-~\u2190-\u21ff]*$/;

/** True if a pipeline's runner obeys a line starting so. */
export function isPipelineCommand(word: string): boolean {
  return /^::[\w-]/.test(word);
}

/** One harmless line: characters that terminals or pipelines' runners obey become `\u{1b}`. */
export function escapeText(text: string): string {
  if (harmless.test(text)) return text;
  return text
    .replace(dangerous, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(pipelineCommand, (found) => found.replace(/[#:]$/, (mark) => (mark === '#' ? '\\u{23}' : '\\u{3a}')));
}

/** `port` for 1, else `ports`; `many`: an irregular plural. */
export function nounFor(count: number, singular: string, many = `${singular}s`): string {
  return count === 1 ? singular : many;
}

/** `1 port`, `2 ports` */
export function counted(count: number, singular: string, many?: string): string {
  return `${count} ${nounFor(count, singular, many)}`;
}

const maxQuoted = 60;

/**
 * In double quotes, cut after 60 characters. Escapes control, format and bidirectional characters and lone surrogates,
 * which terminals obey or which reorder the line.
 */
export function quote(text: string): string {
  const characters = [...text.slice(0, maxQuoted * 2)];
  const shown = characters.slice(0, maxQuoted).map(escapeCharacter).join('');
  return `"${shown}${text.length > maxQuoted && characters.length > maxQuoted ? '…' : ''}"`;
}

/** The escapes of `quote`, without quotes and limit. */
export function escapePath(text: string): string {
  return [...text].map(escapeCharacter).join('');
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** A shell word: interface names may hold anything the kernel allows. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Part of a file name, from any characters. */
export function fileWord(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}

/** One POSIX shell word, in single quotes unless harmless and no option. */
export function quoteForShell(text: string): string {
  const literal = word(text);
  return literal.startsWith('-') ? `'${text}'` : literal;
}
