import { z } from 'zod';
import { scenarioSchema } from './scenario-schema.js';

/** The JSON Schema (draft-07, which editors read) of a scenario file, as the text of schema/scenario.v1.json. */
export function scenarioJsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(scenarioSchema, { target: 'draft-7', io: 'input' });
  const schema = {
    $schema,
    title: 'Scenario of verify-isolation, version 1',
    description: 'Names, ports and who may be judged are checked beyond this when the file is loaded.',
    ...rest,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
