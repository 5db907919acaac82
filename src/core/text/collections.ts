/** Keeps the order; drops items with key null. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K | null): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== null) addTo(groups, key, item);
  }
  return groups;
}

/** Appends to a key's list. */
export function addTo<T, K>(groups: Map<K, T[]>, key: K, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}

/** Caches by object, while it exists. */
export function once<Part extends object, Read>(read: (part: Part) => Read): (part: Part) => Read {
  const answers = new WeakMap<Part, { readonly answer: Read }>();
  return (part) => {
    const known = answers.get(part) ?? { answer: read(part) };
    answers.set(part, known);
    return known.answer;
  };
}

/** The last of equal names wins. */
export function mapByName<T extends { readonly name: string }>(items: Iterable<T>): ReadonlyMap<string, T> {
  return new Map([...items].map((item) => [item.name, item]));
}

function given<T extends object>(fields: T): { readonly [K in keyof T]?: NonNullable<T[K]> };
function given(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]: [string, unknown]) => value !== undefined && value !== null),
  );
}

function filled<T extends object>(fields: T): { readonly [K in keyof T]?: NonNullable<T[K]> };
function filled(fields: object): object {
  const isEmpty = (value: unknown): boolean =>
    value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(given(fields)).filter(([, value]) => !isEmpty(value)));
}

function pick<T extends object, K extends keyof T>(record: T, keys: readonly K[]): Pick<T, K>;
function pick(record: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => keys.includes(key)));
}

function without<T extends object, K extends keyof T>(record: T, keys: readonly K[]): Omit<T, K>;
function without(record: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** Keys whose values differ, in both records' order. null = missing key. */
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

/** Both inclusive. */
export function numbersFrom(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

export { filled, given, pick, without };
