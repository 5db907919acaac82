// As in escape.ts without C0, of which JSON leaves only line feeds between lines; it escapes lone surrogates itself.
const dangerous =
  /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** An element a line then cuts the time of 100,000 findings to a third. */
const longList = 10_000;

/**
 * JSON with terminal commands as `\u202e`, equal for parsers (RFC 8259, section 7). `indent`: spaces a level; lists
 * above 10,000 have an element a line; 0 = one line.
 */
export function jsonText(value: object, indent = 0): string {
  const text = indent === 0 || !hasLongList(value) ? JSON.stringify(value, null, indent) : laidOut(value, indent, '');
  return isHarmless(text) ? text : text.replace(dangerous, escaped);
}

function hasLongList(value: unknown): boolean {
  // Columns of flows are texts, and a mesh has a million in each.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value) && value.length > longList) return true;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  // Nearly all are texts and numbers: no call for them.
  for (const member of members) if (typeof member === 'object' && hasLongList(member)) return true;
  return false;
}

function laidOut(value: unknown, indent: number, margin: string): string {
  if (typeof value !== 'object' || value === null || !hasLongList(value))
    return JSON.stringify(value, null, indent).replaceAll('\n', `\n${margin}`);
  const inner = `${margin}${' '.repeat(indent)}`;
  if (Array.isArray(value)) {
    const elements = value.map((element) =>
      value.length > longList ? JSON.stringify(element) : laidOut(element, indent, inner),
    );
    return `[\n${inner}${elements.join(`,\n${inner}`)}\n${margin}]`;
  }
  const members = Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : [`${JSON.stringify(name)}: ${laidOut(member, indent, inner)}`],
  );
  return `{\n${inner}${members.join(`,\n${inner}`)}\n${margin}}`;
}

/** On 50 MB ten times as fast as a search for dangerous characters. */
function isHarmless(text: string): boolean {
  return Buffer.byteLength(text) === text.length && !text.includes('\u007f');
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Another program's JSON: mistyped values count as missing. */
export type Fields = Readonly<Record<string, unknown>>;

/** Drops other values. */
export function objectsOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): Fields | null {
  return isFields(value) ? value : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** All objects inside, itself included, at most 32 levels deep. */
export function* objectsWithin(value: unknown, depth = 0): Generator<Fields> {
  if (depth > 32 || typeof value !== 'object' || value === null) return;
  if (isFields(value)) yield value;
  for (const inner of Object.values(value)) yield* objectsWithin(inner, depth + 1);
}
