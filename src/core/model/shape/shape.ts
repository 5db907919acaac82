/**
 * A record's shape as data, which gives its type (`Of`) and its check: a codec, an object of shapes by key, or a list
 * with the shape of its items.
 */
export type Shape = Codec<unknown> | readonly Shape[] | { readonly [key: string]: Shape };

/** A place with a wrong value, and what is expected: `text`. */
export interface Misfit {
  readonly at: readonly (string | number)[];
  readonly expected: string;
}

/** Treatment of members that a shape does not name; `refuse`: a misfit. */
export type Others = 'keep' | 'drop' | 'refuse';

/** Checks a value; `type` is never set. */
export interface Codec<T> {
  (value: unknown, others: Others): Misfit | null;
  readonly type?: T;
}
export interface Maybe<T> extends Codec<T> {
  readonly mayBeAbsent: true;
}

type Flat<T> = { readonly [K in keyof T]: T[K] };
export type Of<S> =
  S extends Codec<infer T>
    ? T
    : S extends readonly (infer I)[]
      ? readonly Of<I>[]
      : Flat<
          { [K in keyof S as S[K] extends Maybe<unknown> ? never : K]: Of<S[K]> } & {
            [K in keyof S as S[K] extends Maybe<unknown> ? K : never]?: Of<S[K]>;
          }
        >;

export function leaf<T>(expected: string, holds: (value: unknown) => value is T): Codec<T> {
  return (value) => (holds(value) ? null : { at: [], expected });
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

export const text = leaf('text', (value): value is string => typeof value === 'string');
export const flag = leaf('true or false', (value): value is boolean => typeof value === 'boolean');
export const number = leaf('a number', isNumber);
export const whole = leaf('a whole number', isWhole);
export const count = leaf('a whole number from 0', (value): value is number => isWhole(value) && value >= 0);
export const anything: Codec<unknown> = () => null;

export function oneOf<const W extends readonly (string | number | boolean)[]>(...words: W): Codec<W[number]> {
  return leaf(`${words.length === 1 ? '' : 'one of '}${words.join(', ')}`, (value): value is W[number] =>
    words.some((word) => word === value),
  );
}

/** A value of the shape that passes one more test. */
export function only<S extends Shape>(shape: S, expected: string, holds: (value: Of<S>) => boolean): Codec<Of<S>> {
  const fits = (value: unknown, others: Others): value is Of<S> => misfitOf(shape, value, others) === null;
  return (value, others) =>
    misfitOf(shape, value, others) ?? (fits(value, others) && holds(value) ? null : { at: [], expected });
}

export const matching = (pattern: RegExp): Codec<string> =>
  only(text, `text like ${pattern.source}`, (value) => pattern.test(value));

export function orNull<S extends Shape>(shape: S): Codec<Of<S> | null> {
  return (value, others) => (value === null ? null : misfitOf(shape, value, others));
}

export function maybe<S extends Shape>(shape: S): Maybe<Of<S>> {
  const check: Codec<Of<S>> = (value, others) => (value === undefined ? null : misfitOf(shape, value, others));
  return Object.assign(check, { mayBeAbsent: true } as const);
}

/** A value of both shapes; members of either alone stay. */
export function both<A extends Shape, B extends Shape>(first: A, second: B): Codec<Of<A> & Of<B>> {
  return (value) => misfitOf(first, value) ?? misfitOf(second, value);
}

/** The first matching shape, which alone takes members out. A misfit is the last one's. */
export function either<S extends readonly Shape[]>(...shapes: S): Codec<Of<S[number]>> {
  return (value, others) => {
    const untouched = others === 'drop' ? 'keep' : others;
    let misfit: Misfit | null = null;
    for (const shape of shapes)
      if ((misfit = misfitOf(shape, value, untouched)) === null) return misfitOf(shape, value, others);
    return misfit;
  };
}

export function mapOf<S extends Shape>(shape: S): Codec<Readonly<Record<string, Of<S>>>> {
  return (value, others) => {
    if (!isObject(value)) return { at: [], expected: 'an object' };
    for (const key of Object.keys(value)) {
      const misfit = misfitOf(shape, value[key], others);
      if (misfit !== null) return below(key, misfit);
    }
    return null;
  };
}

/** Records distinguished by one key, with the members of each word. */
export function tagged<const K extends string, M extends Readonly<Record<string, Shape>>>(
  key: K,
  members: M,
): Codec<{ [W in keyof M]: Flat<{ [T in K]: W } & Of<M[W]>> }[keyof M]> {
  const tag = oneOf(...Object.keys(members));
  return (value, others) => {
    const misfit = misfitOf({ [key]: tag }, value, 'keep');
    if (misfit !== null || !isObject(value)) return misfit;
    const member = members[String(value[key])] ?? {};
    return misfitOf(typeof member === 'function' ? member : { ...member, [key]: tag }, value, others);
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(shape: Shape): shape is readonly Shape[] {
  return Array.isArray(shape);
}

function below(key: string | number, { at, expected }: Misfit): Misfit {
  return { at: [key, ...at], expected };
}

function itemsMisfit(shape: Shape, value: unknown, others: Others): Misfit | null {
  if (!Array.isArray(value)) return { at: [], expected: 'a list' };
  for (let at = 0; at < value.length; at += 1) {
    const misfit = misfitOf(shape, value[at], others);
    if (misfit !== null) return below(at, misfit);
  }
  return null;
}

/** The first misfit; null = none. `drop` takes members out of the value itself. */
export function misfitOf(shape: Shape, value: unknown, others: Others = 'keep'): Misfit | null {
  if (typeof shape === 'function') return shape(value, others);
  if (isList(shape)) return itemsMisfit(shape[0] ?? {}, value, others);
  if (!isObject(value)) return { at: [], expected: 'an object' };
  for (const [key, member] of Object.entries(shape)) {
    const misfit = misfitOf(member, Object.hasOwn(value, key) ? value[key] : undefined, others);
    if (misfit !== null) return below(key, misfit);
  }
  if (others === 'keep') return null;
  for (const key of Object.keys(value).filter((key) => !Object.hasOwn(shape, key))) {
    if (others === 'refuse') return { at: [key], expected: 'a member' };
    Reflect.deleteProperty(value, key);
  }
  return null;
}

export function strict<S extends Shape>(shape: S): Codec<Of<S>> {
  return (value) => misfitOf(shape, value, 'refuse');
}

export function fits<S extends Shape>(shape: S, value: unknown, others: Others = 'keep'): value is Of<S> {
  return misfitOf(shape, value, others) === null;
}

/** `steps[0].name` */
export function pathText(at: Misfit['at']): string {
  return at
    .map((key) => (typeof key === 'string' && /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
    .join('')
    .replace(/^\./, '');
}
