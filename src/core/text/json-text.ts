// As in escape.ts, but for C0, of which JSON leaves none but the line feeds between its lines; halves of surrogate
// pairs it escapes itself.
const dangerous =
  /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/**
 * A longer list has an element a line: of a mesh of a thousand guests that leaks, a hundred thousand findings are then
 * laid out in a third of the time.
 */
const longList = 10_000;

/**
 * JSON that acts on no terminal: whatever would stands as `\u202e`, which a parser reads as the same text (RFC 8259,
 * section 7). `indent`: spaces a level, as JSON.stringify lays it out, but lists of more than 10,000 with each element
 * in one line; 0 = all in one line.
 */
export function jsonText(value: object, indent = 0): string {
  const text = indent === 0 || !hasLongList(value) ? JSON.stringify(value, null, indent) : laidOut(value, indent, '');
  return isHarmless(text) ? text : text.replace(dangerous, escaped);
}

function hasLongList(value: unknown): boolean {
  // Columns of flows are written as texts, and a mesh has a million in each.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value) && value.length > longList) return true;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  // Nearly all are texts and numbers: no function is called for them.
  for (const member of members) if (typeof member === 'object' && hasLongList(member)) return true;
  return false;
}

/** `margin`: what stands before its lines but the first. */
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

/**
 * Nothing but ASCII, without DEL: a text of 50 MB is looked at in a tenth of the time that a search for all that is
 * dangerous takes.
 */
function isHarmless(text: string): boolean {
  return Buffer.byteLength(text) === text.length && !text.includes('\u007f');
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/**
 * Reading JSON that another program printed: what is missing or of another type than expected reads as nothing, never
 * as an error.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** The objects of a list; anything else is left out. */
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

/** Every object inside a value, itself included, whatever lies between; at most 32 levels deep. */
export function* objectsWithin(value: unknown, depth = 0): Generator<Fields> {
  if (depth > 32 || typeof value !== 'object' || value === null) return;
  if (isFields(value)) yield value;
  for (const inner of Object.values(value)) yield* objectsWithin(inner, depth + 1);
}
