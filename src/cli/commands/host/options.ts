import { probeClasses } from '../../../core/probe/classes.js';
import type { DefineCommand } from '../../command.js';

/** `init`: a ready scenario of what runs on a bridge here. */
export const defineInit: DefineCommand = (parser) => {
  parser.command(
    'init',
    'print the scenario that run without a file carries out here',
    (options) =>
      options
        .option('output', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'file to write; stdout without it',
        })
        .option('bridge', { type: 'string', requiresArg: true, describe: 'only this bridge' })
        .option('netns', {
          type: 'string',
          requiresArg: true,
          describe: 'the network namespace of the bridge: a name of ip netns, or a path such as /proc/4711/ns/net',
        })
        .option('guest', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'only this guest, by its name or port, and those that are named likewise',
        })
        .option('zone', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'only guests of this zone',
        })
        .option('class', {
          choices: [...probeClasses, 'all'],
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'test only this class, including non-default ones; all: every class that does not disturb',
        })
        .option('rate', { type: 'number', requiresArg: true, describe: 'frames a second' })
        .option('rules', {
          type: 'number',
          requiresArg: true,
          describe: 'frames that ask a rule which copies (0: none)',
        })
        .option('for', {
          type: 'string',
          requiresArg: true,
          describe: 'as many rounds as fit into this time, such as 30s',
        }),
    async (args) => {
      const { initCommand } = await import('./init.js');
      await initCommand(args);
    },
  );
};

/** `cleanup`: what killed runs have left on this host is put back. */
export const defineCleanup: DefineCommand = (parser, context) => {
  parser.command('cleanup', 'put back what a killed run has left on this host', {}, async () => {
    const { cleanupCommand } = await import('./cleanup.js');
    context.setStatus(await cleanupCommand());
  });
};

/** `doctor`: what this machine can do, what is missing, and what fixes it. */
export const defineDoctor: DefineCommand = (parser, context) => {
  parser.command(
    'doctor [files..]',
    'say what this machine lacks and what fixes it: rights, namespaces, kernel, libpcap',
    (options) =>
      options
        .positional('files', {
          type: 'string',
          array: true,
          default: [],
          describe: 'scenarios that are to run here: 69 if something that they need is missing',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print the checks as JSON and nothing else' }),
    async (args) => {
      const { doctorCommand } = await import('./doctor.js');
      context.setStatus(await doctorCommand({ files: args.files, json: args.json, version: context.version }));
    },
  );
};
