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

/** The contract's order: of several files' statuses the first of these that occurs is the program's. */
const order = [2, 70, 69, 3, 4] as const;

/** Of the exit statuses of several files the one that the program ends with. */
export function combineExitStatuses(statuses: readonly number[]): number {
  return order.find((status) => statuses.includes(status)) ?? statuses.find((status) => status !== 0) ?? 0;
}
