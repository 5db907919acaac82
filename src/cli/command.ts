import type { ArgumentsCamelCase, Argv } from 'yargs';

export interface CommandContext {
  readonly version: string;
  readonly setStatus: (status: number) => void;
}

/** Adds a command to the command line. */
export type DefineCommand = (parser: Argv, context: CommandContext) => void;

/**
 * Defines a command. `line` false hides it from --help. A handler that gives nothing means status 0. Handlers load
 * their code when called, which keeps --help quick.
 */
export function command<Args>(
  usage: string,
  describe: string | false,
  options: (parser: Argv) => Argv<Args>,
  handle: (args: ArgumentsCamelCase<Args>, version: string) => Promise<number | void>,
): DefineCommand {
  return (parser, { version, setStatus }) => {
    parser.command({
      command: usage,
      describe,
      builder: options,
      handler: async (args: ArgumentsCamelCase<Args>) => setStatus((await handle(args, version)) ?? 0),
    });
  };
}

/** The first of these statuses wins. */
const order = [2, 70, 69, 3, 4] as const;

/** The exit status of several files. */
export function combineExitStatuses(statuses: readonly number[]): number {
  return order.find((status) => statuses.includes(status)) ?? statuses.find((status) => status !== 0) ?? 0;
}

export const operand = (describe: string) => ({ type: 'string', demandOption: true, describe }) as const;

export const operands = (describe: string) => ({ type: 'string', array: true, default: [], describe }) as const;

export const flagArgument = (describe: string) => ({ type: 'boolean', default: false, describe }) as const;

export const textArgument = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export const numberArgument = (describe: string) => ({ type: 'number', requiresArg: true, describe }) as const;

export const textsArgument = (describe: string) =>
  ({ type: 'string', array: true, requiresArg: true, nargs: 1, default: [], describe }) as const;

export const commonOptions = {
  engine: {
    choices: ['auto', 'libpcap', 'cap'],
    default: 'auto',
    describe: 'capture engine: auto (default), libpcap or cap',
  },
  json: flagArgument('print the result as JSON and nothing else'),
  output: { alias: 'o', ...textArgument('file to write; stdout without it') },
  quiet: flagArgument('print no progress'),
  wide: flagArgument('use every column of the terminal; 250 in a pipe'),
} as const;
