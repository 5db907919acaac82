import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { auditIds, causeCodes } from '../../src/core/bridge/weaknesses.js';
import { errorCodes } from '../../src/core/model/codes.js';
import { reasonHints } from '../../src/core/model/reasons.js';
import { exitStatuses } from '../../src/core/model/verify-error.js';
import { scenarioJsonSchema } from '../../src/core/scenario/schema/json-schema.js';

const top = resolve(import.meta.dirname, '../..');

/** What programs of users rely on, as it was when a version recorded it: a line a thing. */
interface Contract {
  readonly version: string;
  readonly lines: readonly string[];
}

const levels = ['patch', 'minor', 'major'] as const;

/** By how much a version is above an earlier one; null = not at all. */
function levelBetween(earlier: string, now: string): (typeof levels)[number] | null {
  const [a, b] = [earlier, now].map((text) => text.split('.').map(Number));
  const at = (a ?? []).findIndex((part, index) => (b?.[index] ?? 0) !== part);
  if (at === -1 || (b?.[at] ?? 0) < (a?.[at] ?? 0)) return null;
  return levels[2 - at] ?? null;
}

/** What a change of a contract asks for; null = nothing changed. Before 1.0.0 it has to be recorded, and no more. */
function demandOf(recorded: Contract, lines: readonly string[], version: string): string | null {
  const added = lines.filter((line) => !recorded.lines.includes(line));
  const removed = recorded.lines.filter((line) => !lines.includes(line));
  if (added.length + removed.length === 0) return null;
  const what = [...added.map((line) => `+ ${line}`), ...removed.map((line) => `- ${line}`)].join('\n');
  const needed = removed.length > 0 ? 'major' : 'minor';
  const level = levelBetween(recorded.version, version);
  const isEnough = version.startsWith('0.') || (level !== null && levels.indexOf(level) >= levels.indexOf(needed));
  const bump = isEnough
    ? ''
    : `it needs a ${needed} version above ${recorded.version} in package.json (now ${version}); then `;
  return `${what}\n${bump}record it: VERIFY_ISOLATION_RECORD=1 npm run test:unit -- contract, and a line in CHANGELOG.md`;
}

/** Each node of a JSON Schema by its path, with its type and the values that it takes. */
function schemaLines(node: unknown, path = ''): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((each: unknown) => schemaLines(each, `${path}|`));
  const isText = ([key, value]: readonly [string, unknown]): boolean =>
    ['description', '$comment', 'title'].includes(key) && typeof value === 'string';
  const entries = Object.entries(node).filter((entry) => !isText(entry));
  return entries.flatMap(([key, value]: readonly [string, unknown]) =>
    typeof value === 'object' &&
    value !== null &&
    !(Array.isArray(value) && value.every((each) => typeof each !== 'object'))
      ? schemaLines(value, `${path}/${key}`)
      : [value].flat().map((each) => `${path}/${key} ${JSON.stringify(each)}`),
  );
}

/** Has it keys of its own? `string & {}`, which an editor needs to offer known words, has none. */
function isRecord(type: ts.Type): boolean {
  return type.isIntersection() ? type.types.every(isRecord) : (type.flags & ts.TypeFlags.Object) !== 0;
}

/** Each key of a result by its path, with its type: an optional one has a `?`. */
function resultLines(): readonly string[] {
  const file = join(top, 'src/core/model/result.ts');
  const { config } = ts.readConfigFile(join(top, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, top);
  const program = ts.createProgram([file, join(top, 'src/core/bridge/weaknesses.ts')], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const declared = source?.statements.filter(ts.isInterfaceDeclaration).find(({ name }) => name.text === 'Result');
  if (declared === undefined) throw new Error('there is no Result');
  const lines: string[] = [];
  const walk = (type: ts.Type, path: string, above: readonly ts.Type[]): void => {
    const parts = type.isUnion() ? type.types : [type];
    const simple: string[] = [];
    for (const part of parts) {
      const element = checker.isArrayType(part) ? part.getNumberIndexType() : undefined;
      if (element !== undefined) walk(element, `${path}[]`, above);
      else if (checker.isTupleType(part))
        checker
          .getTypeArguments(part as ts.TypeReference)
          .forEach((member, index) => walk(member, `${path}.${index}`, above));
      else if (isRecord(part) && !above.includes(part)) walkKeys(part, path, [...above, part]);
      else if ((part.flags & ts.TypeFlags.Undefined) === 0) simple.push(checker.typeToString(part));
    }
    // Codes are a contract of their own
    const names = simple.length > 12 ? ['code'] : simple.map((name) => (name.includes('unknown') ? 'string' : name));
    for (const name of new Set(names)) lines.push(`${path} ${name}`);
  };
  const walkKeys = (type: ts.Type, path: string, above: readonly ts.Type[]): void => {
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index !== undefined) walk(index.type, `${path}.*`, above);
    for (const key of checker.getPropertiesOfType(type)) {
      const optional = (key.flags & ts.SymbolFlags.Optional) === 0 ? '' : '?';
      walk(checker.getTypeOfSymbol(key), `${path}.${key.name}${optional}`, above);
    }
  };
  walkKeys(checker.getTypeAtLocation(declared), '', []);
  return [...new Set(lines)].sort();
}

const contracts: Readonly<Record<string, () => readonly string[]>> = {
  'exit-statuses': () => exitStatuses.map(({ status, when }) => `${status} ${when}`),
  codes: () =>
    Object.entries({
      reason: Object.keys(reasonHints),
      cause: causeCodes,
      finding: auditIds,
      error: errorCodes,
    }).flatMap(([kind, codes]) => [...codes].sort().map((code) => `${kind} ${code}`)),
  scenario: () => [...new Set(schemaLines(JSON.parse(scenarioJsonSchema())))].sort(),
  result: resultLines,
};

const { version }: { readonly version: string } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));

it.each(Object.entries(contracts))('%s is as it was recorded, or a version says otherwise', (name, linesNow) => {
  const path = join(top, 'test/contract', `${name}.json`);
  const lines = linesNow();
  expect(lines.length).toBeGreaterThan(5);
  const recorded: Contract = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { version, lines: [] };
  const demand = demandOf(recorded, lines, version);
  if (process.env['VERIFY_ISOLATION_RECORD'] === '1' && demand !== null && !demand.includes('it needs a')) {
    writeFileSync(path, `${JSON.stringify({ version, lines }, null, 1)}\n`);
    return;
  }
  expect(demand ?? '').toBe('');
});

describe('a change of a contract', () => {
  const recorded = { version: '1.2.0', lines: ['a', 'b'] };
  it.each([
    [['a', 'b'], '1.2.0', null],
    [['a', 'b', 'c'], '1.2.1', 'it needs a minor version above 1.2.0'],
    [['a', 'b', 'c'], '1.3.0', '+ c\nrecord it'],
    [['a'], '1.3.0', 'it needs a major version above 1.2.0'],
    [['a', 'c'], '2.0.0', '+ c\n- b\nrecord it'],
    [['a', 'b', 'c'], '1.1.0', 'it needs a minor version above 1.2.0'],
  ])('%j in %s asks for %j', (lines, now, demand) => {
    const asked = demandOf(recorded, lines, now);
    if (demand === null) expect(asked).toBeNull();
    else expect(asked).toContain(demand);
  });
});
