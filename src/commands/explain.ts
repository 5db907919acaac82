import type { DefineCommand } from '../cli/command.js';

/** `explain CODE`: what a code of a report means. */
export const defineExplain: DefineCommand = (parser) => {
  parser.command(
    'explain [code]',
    'say what a code of a report means and what to do; without one, list them',
    (options) => options.positional('code', { type: 'string', describe: 'a reason, a cause, a finding of the audit' }),
    async (args) => {
      const { explainCode, listCodes } = await import('../cli/commands/scenario/explain.js');
      process.stdout.write(args.code === undefined ? listCodes() : explainCode(args.code));
    },
  );
};
