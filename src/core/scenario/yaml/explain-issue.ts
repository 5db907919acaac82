import { z } from 'zod';
import { quote } from '../../text/escape.js';
import type { FaultList, Path } from './fault.js';
import { didYouMean } from './nearest-word.js';

type Issue = z.core.$ZodIssue;

/** Reports zod's issues with the value at `base` as faults: place, value, expected one, nearest known word. */
export function explainIssues(
  faults: FaultList,
  schema: z.ZodType,
  input: unknown,
  base: Path,
  issues: readonly Issue[],
): void {
  for (const issue of issues) explainIssue({ faults, schema, input, base }, issue, []);
}

interface Checked {
  readonly faults: FaultList;
  readonly schema: z.ZodType;
  readonly input: unknown;
  readonly base: Path;
}

function explainIssue(checked: Checked, issue: Issue, outer: Path): void {
  const { faults, schema, input, base } = checked;
  const inner = [...outer, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const path = [...base, ...inner];
  const value = valueAt(input, inner);
  if (issue.code === 'unrecognized_keys') {
    addUnknownKeys(faults, path, issue.keys, keysAt([schema], inner));
    return;
  }
  if (issue.code === 'invalid_key') {
    faults.addKey(
      path,
      `${where(path)}: ${quote(String(path.at(-1)))} is not a valid name, ${issue.issues[0]?.message ?? 'expected a name'}`,
    );
    return;
  }
  const within = value === undefined ? [] : issuesWithin(issue);
  if (within.length > 0) {
    for (const each of within) explainIssue(checked, each, inner);
    return;
  }
  const expected = expectation(issue);
  if (value === undefined) faults.add(path.slice(0, -1), `${where(path)} is missing, ${expected}`);
  else faults.add(path, `${where(path)}: ${expected}, got ${describe(value)}${nearest(issue, value)}`);
}

function addUnknownKeys(faults: FaultList, path: Path, keys: readonly string[], known: readonly string[]): void {
  for (const key of keys) {
    const at = [...path, key];
    const near = didYouMean(key, known);
    const expected = near === '' && known.length > 0 ? `, expected ${listOf(known)}` : near;
    faults.addKey(at, `${where(at)}: unknown key ${quote(key)}${expected}`);
  }
}

/** The issues of the alternative with the value's type, which the author meant. */
function issuesWithin(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [];
  const meant = issue.errors.find(
    (branch) => branch.length > 0 && !branch.some((each) => each.path.length === 0 && each.code === 'invalid_type'),
  );
  const isInside = (meant?.[0]?.path.length ?? 0) > 0 || !issue.message.startsWith('expected');
  return isInside ? (meant ?? []) : [];
}

/** `topology.endpoints.kali2.mac`, `steps[0].probe[1]`. */
export function where(path: Path): string {
  return path
    .map((part, at) =>
      typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${/^[\w-]+$/.test(part) ? part : quote(part)}`,
    )
    .join('');
}

export function describe(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return quote(value);
  return String(value);
}

function expectation(issue: Issue): string {
  if (issue.message.startsWith('expected')) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeName(issue.expected)}`;
    case 'invalid_value':
      return `expected ${listOf(issue.values.map(String))}`;
    case 'invalid_union': {
      const branches = issue.errors
        .map((branch) => branch.find((each) => each.path.length === 0))
        .flatMap((each) => each ?? []);
      return `expected ${[...new Set(branches.map((each) => expectation(each).replace(/^expected /, '')))].join(' or ')}`;
    }
    default:
      return `expected something else (${issue.message})`;
  }
}

function typeName(expected: string): string {
  switch (expected) {
    case 'object':
    case 'record':
      return 'a map';
    case 'array':
      return 'a list';
    case 'string':
      return 'text';
    default:
      return `a ${expected}`;
  }
}

function listOf(words: readonly string[]): string {
  const few = words.length > 24 ? [...words.slice(0, 24), '…'] : words;
  return few.length === 1 ? (few[0] ?? '') : `one of ${few.join(', ')}`;
}

function nearest(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_value' && typeof value === 'string') return didYouMean(value, issue.values.map(String));
  if (issue.code !== 'invalid_union' || typeof value !== 'string') return '';
  const words = issue.errors
    .flat()
    .flatMap((each) => (each.code === 'invalid_value' && each.path.length === 0 ? each.values.map(String) : []));
  return didYouMean(value, words);
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (typeof value === 'object' && value !== null)
      value = Object.entries(value).find(([key]) => key === String(part))?.[1];
    else return undefined;
  }
  return value;
}

function keysAt(schemas: readonly unknown[], path: Path): readonly string[] {
  const flat = schemas.flatMap(alternatives);
  const [part, ...rest] = path;
  if (part === undefined)
    return flat.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  const below = flat.flatMap((schema): readonly unknown[] => {
    if (schema instanceof z.ZodArray) return typeof part === 'number' ? [schema.element] : [];
    if (schema instanceof z.ZodRecord) return [schema.valueType];
    if (schema instanceof z.ZodObject)
      return Object.entries(schema.shape)
        .filter(([key]) => key === part)
        .map(([, value]) => value);
    return [];
  });
  return below.length === 0 ? [] : keysAt(below, rest);
}

function alternatives(schema: unknown): readonly unknown[] {
  if (schema instanceof z.ZodOptional) return alternatives(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(alternatives);
  return [schema];
}
