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

const hasDoc = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

it.each(documented)('each key of the public types of model/%s has a comment: %j', (file, names) => {
  const path = resolve(import.meta.dirname, `../../src/core/model/${file}.ts`);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const types = source.statements.filter(ts.isInterfaceDeclaration).filter(({ name }) => names.includes(name.text));
  expect(types.map(({ name }) => name.text).sort()).toEqual([...names].sort());
  const bare = types.flatMap((type) => [
    ...(hasDoc(type) ? [] : [type.name.text]),
    ...type.members
      .filter((member) => !hasDoc(member))
      .map((member) => `${type.name.text}.${member.name?.getText(source) ?? ''}`),
  ]);
  expect(bare).toEqual([]);
});
