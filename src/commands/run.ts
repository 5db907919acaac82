import type { DefineCommand } from './command.js';
import { reporterHelp } from './reporter-help.js';

/** `run FILE…`: carries scenarios out and judges what was seen. */
export const defineRun: DefineCommand = (parser, context) => {
  parser.command(
    'run <file..>',
    'run scenarios: send, listen, judge',
    (options) => options
      .positional('file', { type: 'string', array: true, demandOption: true, describe: 'scenario files' })
      .option('out', { type: 'string', requiresArg: true, describe: 'folder for the evidence; several files get a sub-folder each' })
      .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON and nothing else' })
      .option('quiet', { type: 'boolean', default: false, describe: 'no progress' })
      .option('verbose', { type: 'boolean', default: false, describe: 'progress line by line, with details' })
      .option('engine', { choices: ['auto', 'libpcap', 'cap'] as const, default: 'auto' as const, describe: 'how to capture' })
      .option('reporter', { type: 'string', array: true, requiresArg: true, nargs: 1, default: [], describe: reporterHelp })
      .option('baseline', { type: 'string', array: true, requiresArg: true, nargs: 1, default: [], describe: 'evidence folder of an earlier run: fail only on leaks that it has not' })
      .option('keep', { choices: ['leaks', 'all'] as const, default: 'all' as const, describe: 'which frames stay in the evidence' })
      .option('yes', { type: 'boolean', default: false, describe: 'do not ask before sending' })
      .option('approved', { type: 'string', requiresArg: true, describe: 'on a host: send only if the plan has this SHA-256 (plan --hash)' })
      .option('payload', { type: 'boolean', default: false, describe: 'on a host: keep guests’ own traffic too, whole' })
      .option('operator', { type: 'string', requiresArg: true, describe: 'who is responsible, for run.json' })
      .option('ticket', { type: 'string', requiresArg: true, describe: 'by which order, for run.json' })
      .option('allow-changes', { type: 'boolean', default: false, describe: 'on a host: steps may change it' })
      .option('allow-disruptive', { type: 'boolean', default: false, describe: 'on a host: disruptive probes may run' })
      .option('allow-run', { type: 'boolean', default: false, describe: 'run may start any program' }),
    async (args) => {
      const { runCommand } = await import('./run-command.js');
      context.setStatus(await runCommand({ ...args, files: args.file, toolVersion: context.version }));
    },
  );
};
