import type { DefineCommand } from '../cli/command.js';

/** `schema`: the JSON Schema (draft-07) of scenario files, for editors. */
export const defineSchema: DefineCommand = (parser) => {
  parser.command(
    'schema',
    'print the JSON Schema of scenario files',
    (options) => options,
    async () => {
      const { scenarioJsonSchema } = await import('../core/scenario/schema/json-schema.js');
      process.stdout.write(scenarioJsonSchema());
    },
  );
};
