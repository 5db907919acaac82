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
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Every object inside a value, itself included, whatever lies between; at most 32 levels deep. */
export function* objectsWithin(value: unknown, depth = 0): Generator<Fields> {
  if (depth > 32 || typeof value !== 'object' || value === null) return;
  if (isFields(value)) yield value;
  for (const inner of Object.values(value)) yield* objectsWithin(inner, depth + 1);
}
