import type { DefineCommand } from '../cli/command.js';

/** `doctor`: what this machine can do, what is missing, and what mends it. */
export const defineDoctor: DefineCommand = (parser, context) => {
  parser.command(
    'doctor [files..]',
    'say what this machine lacks and what mends it: rights, namespaces, kernel, libpcap',
    (options) =>
      options
        .positional('files', {
          type: 'string',
          array: true,
          default: [],
          describe: 'scenarios that are to run here: what they need and is not there ends with 69',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print the checks as JSON and nothing else' }),
    async (args) => {
      const { doctorCommand } = await import('../cli/commands/host/doctor.js');
      context.setStatus(await doctorCommand({ files: args.files, json: args.json, version: context.version }));
    },
  );
};
