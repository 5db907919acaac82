import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

/** Types of the library of which each key says what it is: units, ranges, when it is absent. */
const documented: readonly (readonly [file: string, names: readonly string[]])[] = [
  ['reasons', ['Reason']],
  ['result', ['Cause', 'FirstSighting', 'ObserverResult', 'Finding']],
  ['scenario', ['Endpoint']],
];

/** Of an interface its members; of the type of a shape (`Of<typeof endpointShape>`) those of the shape. */
function keysOf(
  type: ts.InterfaceDeclaration | ts.TypeAliasDeclaration,
  source: ts.SourceFile,
): readonly (ts.TypeElement | ts.ObjectLiteralElementLike)[] {
  if (ts.isInterfaceDeclaration(type)) return type.members;
  const [, shape = ''] = /^Of<typeof (\w+)>$/.exec(type.type.getText(source)) ?? [];
  const record = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find(({ name }) => name.getText(source) === shape)?.initializer;
  return record !== undefined && ts.isObjectLiteralExpression(record) ? record.properties : [];
}

const hasDoc = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

it.each(documented)('each key of the public types of model/%s has a comment: %j', (file, names) => {
  const path = resolve(import.meta.dirname, `../../src/core/model/${file}.ts`);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const declared = source.statements.filter(
    (node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node),
  );
  const types = declared.filter(({ name }) => names.includes(name.text));
  expect(types.map(({ name }) => name.text).sort()).toEqual([...names].sort());
  const bare = types.flatMap((type) => {
    const keys = keysOf(type, source);
    expect(keys.length).toBeGreaterThan(2);
    return [
      ...(hasDoc(type) ? [] : [type.name.text]),
      ...keys.filter((key) => !hasDoc(key)).map((key) => `${type.name.text}.${key.name?.getText(source) ?? ''}`),
    ];
  });
  expect(bare).toEqual([]);
});
