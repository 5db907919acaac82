// As in escape.ts without C0, of which JSON leaves only line feeds between lines; it escapes lone surrogates itself.
const dangerous =
  /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/**
 * A longer list has an element a line: 100,000 findings of a leaking mesh of 1,000 guests then take a third of the
 * time.
 */
const longList = 10_000;

/**
 * JSON without terminal commands, which become `\u202e`, for parsers the same text (RFC 8259, section 7). `indent`:
 * spaces a level, as by JSON.stringify, but lists above 10,000 have an element a line; 0 = all in one line.
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

/** `margin`: precedes all lines but the first. */
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

/** ASCII without DEL: checking 50 MB takes a tenth of a search for dangerous characters. */
function isHarmless(text: string): boolean {
  return Buffer.byteLength(text) === text.length && !text.includes('\u007f');
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Another program's JSON: missing or mistyped values read as nothing. */
export type Fields = Readonly<Record<string, unknown>>;

/** The objects of a list, without other values. */
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

/** All objects inside a value, itself included, at most 32 levels deep. */
export function* objectsWithin(value: unknown, depth = 0): Generator<Fields> {
  if (depth > 32 || typeof value !== 'object' || value === null) return;
  if (isFields(value)) yield value;
  for (const inner of Object.values(value)) yield* objectsWithin(inner, depth + 1);
}
