import type { DefineCommand } from '../../command.js';
import { columnsOf } from '../../screen.js';

/** `plan FILE`: what a run would do, without doing any of it. */
export const definePlan: DefineCommand = (parser) => {
  parser.command(
    'plan <file>',
    'print what a run would do; needs no rights, never connects without --connect',
    (options) =>
      options
        .positional('file', { type: 'string', demandOption: true, describe: 'scenario file' })
        .option('set', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'NAME=VALUE: a value for a variable of the scenario',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print the plan as JSON' })
        .option('hash', { type: 'boolean', default: false, describe: 'print the SHA-256 that run --approved takes' })
        .option('hex', { type: 'boolean', default: false, describe: 'show the first frame of each kind in hex' })
        .option('connect', {
          type: 'boolean',
          default: false,
          describe: 'connect to the hosts of the scenario; without it they are only named',
        })
        .option('allow-run', {
          type: 'boolean',
          default: false,
          describe: 'as for run: hosts may start any program, and commands read any file',
        }),
    async (args) => {
      const { planCommand } = await import('./plan.js');
      await planCommand(args.file, args);
    },
  );
};

/** `schema`: the JSON Schema (draft-07) of scenario files, for editors. */
export const defineSchema: DefineCommand = (parser) => {
  parser.command(
    'schema',
    'print the JSON Schema of scenario files',
    (options) => options,
    async () => {
      const { scenarioJsonSchema } = await import('../../../core/scenario/schema/json-schema.js');
      process.stdout.write(scenarioJsonSchema());
    },
  );
};

/** `explain CODE`: what a code of a report means. */
export const defineExplain: DefineCommand = (parser) => {
  parser.command(
    'explain [code]',
    'say what a code of a report means and what to do; without one, list them',
    (options) =>
      options.positional('code', {
        type: 'string',
        describe: 'a reason, a cause, a finding of the audit, a verdict, a class, a carrier, an exit status',
      }),
    async (args) => {
      const { explainCode, listCodes } = await import('./explain.js');
      const width = process.stdout.isTTY ? columnsOf(process.stdout) : undefined;
      process.stdout.write(args.code === undefined ? listCodes(width) : explainCode(args.code, width));
    },
  );
};
