/** Items by key, in order; items with key null are left out. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K | null): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== null) addTo(groups, key, item);
  }
  return groups;
}

/** Adds an item to a key's list. */
export function addTo<T, K>(groups: Map<K, T[]>, key: K, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}

/** Reads an unchanging part once, while it exists. */
export function once<Part extends object, Read>(read: (part: Part) => Read): (part: Part) => Read {
  const answers = new WeakMap<Part, { readonly answer: Read }>();
  return (part) => {
    const known = answers.get(part) ?? { answer: read(part) };
    answers.set(part, known);
    return known.answer;
  };
}

/** Items by name; the last of equal names. */
export function mapByName<T extends { readonly name: string }>(items: Iterable<T>): ReadonlyMap<string, T> {
  return new Map([...items].map((item) => [item.name, item]));
}

/** Keys whose value is neither null nor undefined. */
function given<T extends object>(fields: T): { readonly [K in keyof T]?: NonNullable<T[K]> };
function given(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]: [string, unknown]) => value !== undefined && value !== null),
  );
}

/** As `given`, without empty texts, lists and records. */
function filled<T extends object>(fields: T): { readonly [K in keyof T]?: NonNullable<T[K]> };
function filled(fields: object): object {
  const isEmpty = (value: unknown): boolean =>
    value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(given(fields)).filter(([, value]) => !isEmpty(value)));
}

/** Those of the keys that a record has. */
function pick<T extends object, K extends keyof T>(record: T, keys: readonly K[]): Pick<T, K>;
function pick(record: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => keys.includes(key)));
}

/** A record without these keys. */
function without<T extends object, K extends keyof T>(record: T, keys: readonly K[]): Omit<T, K>;
function without(record: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** Keys whose values differ, in the order of both records. null = missing key. */
export function changedKeys<T>(
  was: Readonly<Record<string, T>>,
  is: Readonly<Record<string, T>>,
): readonly { readonly key: string; readonly before: T | null; readonly after: T | null }[] {
  return Object.keys({ ...was, ...is }).flatMap((key) => {
    const [before = null, after = null] = [was[key], is[key]];
    return before === after ? [] : [{ key, before, after }];
  });
}

export function namesIn<N>(items: readonly { readonly name: N }[]): readonly N[] {
  return items.map(({ name }) => name);
}

/** The first item of that name. */
export function findNamed<T extends { readonly name: unknown }>(items: readonly T[], name: unknown): T | undefined {
  return items.find((item) => item.name === name);
}

/** Integers from first to last, inclusive. */
export function numbersFrom(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

export { filled, given, pick, without };
