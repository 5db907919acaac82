import { VerifyError } from '../model/verify-error.js';

/**
 * The members of one JSON object, read by name and kind; each reader throws VerifyError (70) naming the message and the
 * member at fault.
 */
export class MessageFields {
  readonly type: string;
  private readonly members: ReadonlyMap<string, unknown>;
  private readonly label: string;

  /** `what`: what the object is called where it has no type. Throws VerifyError (70) where it is not one. */
  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${what} is not an object`);
    this.members = new Map<string, unknown>(Object.entries(value));
    const named = this.members.get('type');
    this.type = typeof named === 'string' ? named : '';
    this.label = this.type === '' ? what : `message ${JSON.stringify(this.type.slice(0, 40))}`;
  }

  /** Is there a member of that name? */
  has(key: string): boolean {
    return this.members.has(key);
  }

  text(key: string): string {
    const member = this.members.get(key);
    if (typeof member !== 'string') throw this.bad(key, 'text');
    return member;
  }

  textOrNull(key: string): string | null {
    return this.members.get(key) === null ? null : this.text(key);
  }

  /** A whole number ≥ 0. */
  count(key: string): number {
    const member = this.members.get(key);
    if (!isCount(member)) throw this.bad(key, 'a whole number from 0');
    return member;
  }

  countOrNull(key: string): number | null {
    return this.members.get(key) === null ? null : this.count(key);
  }

  /** A whole number, also below 0. */
  whole(key: string): number {
    const member = this.members.get(key);
    if (typeof member !== 'number' || !Number.isSafeInteger(member)) throw this.bad(key, 'a whole number');
    return member;
  }

  /** A number > 0. */
  rateOrNull(key: string): number | null {
    const member = this.members.get(key);
    if (member === null) return null;
    if (typeof member !== 'number' || !Number.isFinite(member) || member <= 0)
      throw this.bad(key, 'a number above 0 or null');
    return member;
  }

  flag(key: string): boolean {
    const member = this.members.get(key);
    if (typeof member !== 'boolean') throw this.bad(key, 'true or false');
    return member;
  }

  texts(key: string): readonly string[] {
    return this.list(key).map((item) => {
      if (typeof item !== 'string') throw this.bad(key, 'a list of texts');
      return item;
    });
  }

  oneOf<T extends string>(key: string, allowed: readonly T[]): T {
    const member = this.text(key);
    const match = allowed.find((word) => word === member);
    if (match === undefined) throw this.bad(key, `one of ${allowed.join(', ')}`);
    return match;
  }

  child(key: string): MessageFields {
    return new MessageFields(this.members.get(key), `${this.label}: member ${JSON.stringify(key)}`);
  }

  children(key: string): readonly MessageFields[] {
    return this.list(key).map((item) => new MessageFields(item, `${this.label}: an item of ${JSON.stringify(key)}`));
  }

  /** A map from names to whole numbers. */
  counts(key: string): Readonly<Record<string, number>> {
    const counts = this.entries(key).map(([name, member]) => {
      if (!isCount(member)) throw this.bad(key, 'a map to whole numbers');
      return [name, member] as const;
    });
    return Object.fromEntries(counts);
  }

  /** A map from names to objects. */
  map<T>(key: string, read: (fields: MessageFields) => T): Readonly<Record<string, T>> {
    const values = this.entries(key).map(
      ([name, member]) => [name, read(new MessageFields(member, `${this.label}: ${key}`))] as const,
    );
    return Object.fromEntries(values);
  }

  unknownType(): VerifyError {
    return wrong(`unknown ${this.label}`);
  }

  private list(key: string): readonly unknown[] {
    const member = this.members.get(key);
    if (!Array.isArray(member)) throw this.bad(key, 'a list');
    return member;
  }

  private entries(key: string): readonly (readonly [string, unknown])[] {
    const member = this.members.get(key);
    if (typeof member !== 'object' || member === null || Array.isArray(member)) throw this.bad(key, 'an object');
    return Object.entries(member);
  }

  private bad(key: string, expected: string): VerifyError {
    return wrong(`${this.label}: member ${JSON.stringify(key)} is not ${expected}`);
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Reads one line of the protocol. Throws VerifyError (70) where it is not a JSON object. */
export function parseFields(line: string): MessageFields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(`a line that is not JSON: ${JSON.stringify(line.slice(0, 80))}`);
  }
  return new MessageFields(value, 'message');
}

function wrong(what: string): VerifyError {
  return new VerifyError(
    'protocol',
    70,
    `between orchestrator and helper: ${what}`,
    'both must be of the same version; report this as a fault of verify-isolation',
  );
}
