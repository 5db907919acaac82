import { VerifyError } from '../model/verify-error.js';

/**
 * The members of one JSON object, read by name and kind; each reader throws VerifyError (70) naming the message and the
 * member at fault.
 */
export interface MessageFields {
  readonly type: string;
  text(key: string): string;
  textOrNull(key: string): string | null;
  /** A whole number ≥ 0. */
  count(key: string): number;
  countOrNull(key: string): number | null;
  /** A whole number, also below 0. */
  whole(key: string): number;
  /** A number > 0. */
  rateOrNull(key: string): number | null;
  flag(key: string): boolean;
  texts(key: string): readonly string[];
  oneOf<T extends string>(key: string, allowed: readonly T[]): T;
  child(key: string): MessageFields;
  children(key: string): readonly MessageFields[];
  /** A map from names to whole numbers. */
  counts(key: string): Readonly<Record<string, number>>;
  /** A map from names to objects. */
  map<T>(key: string, read: (fields: MessageFields) => T): Readonly<Record<string, T>>;
  unknownType(): VerifyError;
}

/** Reads one line of the protocol. Throws VerifyError (70) where it is not a JSON object. */
export function parseFields(line: string): MessageFields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(`a line that is not JSON: ${JSON.stringify(line.slice(0, 80))}`);
  }
  return fields(value, 'message');
}

function fields(value: unknown, what: string): MessageFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${what} is not an object`);
  const members = new Map<string, unknown>(Object.entries(value));
  const named = members.get('type');
  const type = typeof named === 'string' ? named : '';
  const label = type === '' ? what : `message ${JSON.stringify(type.slice(0, 40))}`;

  function bad(key: string, expected: string): VerifyError {
    return wrong(`${label}: member ${JSON.stringify(key)} is not ${expected}`);
  }
  function text(key: string): string {
    const member = members.get(key);
    if (typeof member !== 'string') throw bad(key, 'text');
    return member;
  }
  function count(key: string): number {
    const member = members.get(key);
    if (typeof member !== 'number' || !Number.isSafeInteger(member) || member < 0)
      throw bad(key, 'a whole number from 0');
    return member;
  }
  function list(key: string): readonly unknown[] {
    const member = members.get(key);
    if (!Array.isArray(member)) throw bad(key, 'a list');
    return member;
  }
  function entries(key: string): readonly (readonly [string, unknown])[] {
    const member = members.get(key);
    if (typeof member !== 'object' || member === null || Array.isArray(member)) throw bad(key, 'an object');
    return Object.entries(member);
  }
  return {
    type,
    text,
    textOrNull: (key) => (members.get(key) === null ? null : text(key)),
    count,
    countOrNull: (key) => (members.get(key) === null ? null : count(key)),
    whole(key) {
      const member = members.get(key);
      if (typeof member !== 'number' || !Number.isSafeInteger(member)) throw bad(key, 'a whole number');
      return member;
    },
    rateOrNull(key) {
      const member = members.get(key);
      if (member === null) return null;
      if (typeof member !== 'number' || !Number.isFinite(member) || member <= 0)
        throw bad(key, 'a number above 0 or null');
      return member;
    },
    flag(key) {
      const member = members.get(key);
      if (typeof member !== 'boolean') throw bad(key, 'true or false');
      return member;
    },
    texts: (key) =>
      list(key).map((item) => {
        if (typeof item !== 'string') throw bad(key, 'a list of texts');
        return item;
      }),
    oneOf(key, allowed) {
      const member = text(key);
      const found = allowed.find((word) => word === member);
      if (found === undefined) throw bad(key, `one of ${allowed.join(', ')}`);
      return found;
    },
    child: (key) => fields(members.get(key), `${label}: member ${JSON.stringify(key)}`),
    children: (key) => list(key).map((item) => fields(item, `${label}: an item of ${JSON.stringify(key)}`)),
    counts: (key) =>
      Object.fromEntries(
        entries(key).map(([name, member]) => {
          if (typeof member !== 'number' || !Number.isSafeInteger(member) || member < 0)
            throw bad(key, 'a map to whole numbers');
          return [name, member] as const;
        }),
      ),
    map: (key, read) =>
      Object.fromEntries(
        entries(key).map(([name, member]) => [name, read(fields(member, `${label}: ${key}`))] as const),
      ),
    unknownType: () => wrong(`unknown ${label}`),
  };
}

function wrong(what: string): VerifyError {
  return new VerifyError(
    'protocol',
    70,
    `between orchestrator and helper: ${what}`,
    'both must be of the same version; report this as a fault of verify-isolation',
  );
}
