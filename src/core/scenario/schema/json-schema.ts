import { z } from 'zod';
import { isFields } from '../../text/json-text.js';
import { scenarioSchema } from './scenario.js';

/** Allows `${name}` for any value but free text; the value's description stays beside the choice. */
function withVariables(node: unknown): Readonly<Record<string, unknown>> {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isFields(value)) return value;
    const isValue =
      (value.const === undefined && ['integer', 'number'].includes(String(value.type))) ||
      (value.type === 'string' && (value.pattern !== undefined || value.enum !== undefined));
    if (!isValue)
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, key === 'propertyNames' ? inner : walk(inner)]),
      );
    const { description, ...plain } = value;
    return {
      ...(description === undefined ? {} : { description }),
      anyOf: [plain, { $ref: '#/definitions/variable' }],
    };
  };
  const walked = walk(node);
  return isFields(walked) ? walked : {};
}

/** Editors show the first description, which has to be the key's; the value's is a comment. */
function withComments(definitions: unknown): Readonly<Record<string, unknown>> {
  if (!isFields(definitions)) return {};
  return Object.fromEntries(
    Object.entries(definitions).map(([name, node]) => {
      if (name.startsWith('__schema') || !isFields(node) || node.description === undefined) return [name, node];
      const { description, ...rest } = node;
      return [name, { $comment: description, ...rest }];
    }),
  );
}

/** The JSON Schema of a scenario file (draft-07, which editors read): the text of schema/scenario.v1.json. */
export function scenarioJsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(scenarioSchema, { target: 'draft-7', io: 'input', reused: 'ref' });
  const complete = withVariables(rest);
  const schema = {
    $schema,
    $id: 'urn:verify-isolation:scenario:1',
    title: 'Scenario of verify-isolation, version 1',
    description: 'Names, ports and who may be judged are checked beyond this when the file is loaded.',
    ...complete,
    definitions: {
      ...withComments(complete.definitions),
      variable: {
        type: 'string',
        pattern: '^\\$\\{[a-z][a-z0-9_]*\\}$',
        description: 'the value of a variable of "vars"',
      },
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
