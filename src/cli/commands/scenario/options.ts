import { command, flagArgument, operand, textsArgument } from '../../command.js';
import { columnsOf } from '../../screen.js';

export const definePlan = command(
  'plan <file>',
  'print what a run would do; needs no rights, never connects without --connect',
  (parser) =>
    parser.positional('file', operand('scenario file')).options({
      set: textsArgument('NAME=VALUE: a value for a variable of the scenario'),
      json: flagArgument('print the plan as JSON'),
      hash: flagArgument('print the SHA-256 that run --approved takes'),
      hex: flagArgument('show the first frame of each kind in hex'),
      connect: flagArgument('connect to the hosts of the scenario; without it they are only named'),
      'allow-run': flagArgument('as for run: hosts may start any program, and commands read any file'),
    }),
  async (args) => (await import('./plan.js')).planCommand(args.file, args),
);

export const defineSchema = command(
  'schema',
  'print the JSON Schema of scenario files',
  (parser) => parser,
  async () => {
    const { scenarioJsonSchema } = await import('../../../core/scenario/schema/json-schema.js');
    process.stdout.write(scenarioJsonSchema());
  },
);

export const defineExplain = command(
  'explain [code]',
  'say what a code of a report means and what to do; without one, list them',
  (parser) =>
    parser.positional('code', {
      type: 'string',
      describe: 'a reason, a cause, a finding of the audit, a verdict, a class, a carrier, an exit status',
    }),
  async ({ code }) => {
    const { explainCode, listCodes } = await import('./explain.js');
    const width = process.stdout.isTTY ? columnsOf(process.stdout) : undefined;
    process.stdout.write(code === undefined ? listCodes(width) : explainCode(code, width));
  },
);
