import type { FaultCode } from './reasons.js';

interface ExitStatus {
  readonly status: number;
  /** The end that has it. */
  readonly when: 'run' | 'error' | 'run or error' | 'signal';
  readonly short: string;
  readonly long: string;
}

/** Every exit status. Terminal, `explain`, Prometheus, man pages and docs/commands.md derive from it. */
export const exitStatuses = [
  { status: 0, when: 'run', short: 'as expected', long: 'Everything came out as expected.' },
  {
    status: 2,
    when: 'run',
    short: 'a leak that was not expected',
    long: 'Broken: there is a leak beyond what was expected.',
  },
  {
    status: 3,
    when: 'run or error',
    short: 'not proven',
    long: 'Inconclusive: the evidence does not carry a verdict.',
  },
  { status: 4, when: 'run', short: 'not as expected', long: 'An expected leak did not show.' },
  {
    status: 64,
    when: 'error',
    short: 'a wrong command line or scenario',
    long: 'The command line or a scenario is wrong.',
  },
  {
    status: 69,
    when: 'error',
    short: 'this machine lacks something',
    long: 'This machine lacks a right, room, a kernel feature or a program, which is named.',
  },
  { status: 70, when: 'error', short: 'a fault in the program', long: 'A fault in the program.' },
  {
    status: 129,
    when: 'signal',
    short: 'stopped by SIGHUP',
    long: 'Stopped by SIGHUP: everything is put back, and what was seen is judged.',
  },
  { status: 130, when: 'signal', short: 'stopped by SIGINT', long: 'Stopped by SIGINT, as 129.' },
  { status: 143, when: 'signal', short: 'stopped by SIGTERM', long: 'Stopped by SIGTERM, as 129.' },
] as const satisfies readonly ExitStatus[];

export const runExits = exitStatuses.filter(({ when }) => when === 'run' || when === 'run or error');

export const errorExits = exitStatuses.flatMap((exit) =>
  exit.when === 'error' || exit.when === 'run or error' ? [exit.status] : [],
);
export type ErrorExit = (typeof errorExits)[number];

/**
 * A known error: `message` names what is wrong and where, `hint` the remedy. Any other error is a fault in the tool
 * (exit 70, with its stack).
 */
export class VerifyError extends Error {
  readonly code: FaultCode;
  readonly exitCode: ErrorExit;
  readonly hint: string;

  constructor(code: FaultCode, exitCode: ErrorExit, message: string, hint: string) {
    super(message);
    this.name = 'VerifyError';
    this.code = code;
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

export function usageError(message: string, hint: string): VerifyError {
  return new VerifyError('usage', 64, message, hint);
}

/**
 * The message of anything thrown. Of a system error (`ENOENT: no such file or directory, open 'x'`) only the words: the
 * caller names the file.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'syscall' in error ? error.message.replace(/^E[A-Z0-9]+: ([^,]+), .*$/s, '$1') : error.message;
}

/** Rethrows an error that is not known. */
export function assertKnown(error: unknown): asserts error is VerifyError {
  if (!(error instanceof VerifyError)) throw error;
}

/** ENOENT and the like; null = no system error. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}
