import type { Argv } from 'yargs';

/** What the program gives its commands. */
export interface CommandContext {
  readonly version: string;
  /** The exit status that the program will end with; 0 where a command does not say. */
  readonly setStatus: (status: number) => void;
}

/**
 * Adds one command to the command line. What the command needs is loaded when it is called, so that --help is quick.
 */
export type DefineCommand = (parser: Argv, context: CommandContext) => void;
