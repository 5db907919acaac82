import { probeClasses } from '../../../core/probe/classes.js';
import {
  command,
  commonOptions,
  flagArgument,
  numberArgument,
  operands,
  textArgument,
  textsArgument,
} from '../../command.js';

export const defineInit = command(
  'init',
  'print the scenario that run without a file carries out here',
  (parser) =>
    parser.options({
      output: commonOptions.output,
      lab: flagArgument('write a lab with the settings of the bridges here; its head says what it lacks'),
      bridge: textArgument('only this bridge'),
      netns: textArgument(
        'the network namespace of the bridge: a name of ip netns, or a path such as /proc/4711/ns/net',
      ),
      guest: textsArgument('only this guest, by its name or port, and those that are named likewise'),
      zone: textsArgument('only guests of this zone'),
      class: {
        choices: [...probeClasses, 'all'],
        array: true,
        requiresArg: true,
        nargs: 1,
        default: [],
        describe: 'test only this class, including non-default ones; all: every class that does not disturb',
      },
      rate: numberArgument('frames a second'),
      rules: numberArgument('frames that ask a rule which copies (0: none)'),
      for: textArgument('as many rounds as fit into this time, such as 30s'),
    } as const),
  async (args) => (await import('./init.js')).initCommand(args),
);

export const defineCleanup = command(
  'cleanup',
  'put back what a killed run has left on this host',
  (parser) => parser,
  async () => (await import('./cleanup.js')).cleanupCommand(),
);

export const defineDoctor = command(
  'doctor [files..]',
  'say what this machine lacks and what fixes it: rights, namespaces, kernel, libpcap',
  (parser) =>
    parser
      .positional('files', operands('scenarios that are to run here: 69 if something that they need is missing'))
      .option('json', flagArgument('print the checks as JSON and nothing else')),
  async ({ files, json }, version) => (await import('./doctor.js')).doctorCommand({ files, json, version }),
);
