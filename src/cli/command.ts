import type { ArgumentsCamelCase, Argv } from 'yargs';

/** What the program gives its commands. */
export interface CommandContext {
  readonly version: string;
  readonly setStatus: (status: number) => void;
}

/** Adds one command to the command line. */
export type DefineCommand = (parser: Argv, context: CommandContext) => void;

/**
 * A command by its usage, its line in --help (false = none), its options, and its handler, which returns the exit
 * status, or nothing for 0. A handler loads what it needs when it is called, so that --help is quick.
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

/** The contract's order: of several files' statuses the first of these that occurs is the program's. */
const order = [2, 70, 69, 3, 4] as const;

/** Of the exit statuses of several files the one that the program ends with. */
export function combineExitStatuses(statuses: readonly number[]): number {
  return order.find((status) => statuses.includes(status)) ?? statuses.find((status) => status !== 0) ?? 0;
}

/** An operand that has to be given. */
export const operand = (describe: string) => ({ type: 'string', demandOption: true, describe }) as const;

/** Any number of operands. */
export const operands = (describe: string) => ({ type: 'string', array: true, default: [], describe }) as const;

/** An option that is given or not. */
export const flagArgument = (describe: string) => ({ type: 'boolean', default: false, describe }) as const;

/** An option with one text. */
export const textArgument = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

/** An option with one number. */
export const numberArgument = (describe: string) => ({ type: 'number', requiresArg: true, describe }) as const;

/** An option that may be given several times, with a text each. */
export const textsArgument = (describe: string) =>
  ({ type: 'string', array: true, requiresArg: true, nargs: 1, default: [], describe }) as const;

/** Options that several commands have. */
export const commonOptions = {
  engine: {
    choices: ['auto', 'libpcap', 'cap'],
    default: 'auto',
    describe: 'capture engine: auto (default), libpcap or cap',
  },
  json: flagArgument('print the result as JSON and nothing else'),
  output: { alias: 'o', ...textArgument('file to write; stdout without it') },
  picture: flagArgument('draw a diagram of bridges and leaks before the answer'),
  quiet: flagArgument('print no progress'),
  wide: flagArgument('use every column of the terminal; 250 in a pipe'),
} as const;
