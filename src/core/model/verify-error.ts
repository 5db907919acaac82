import type { FaultCode } from './reasons.js';

/** Exit statuses of the contract that an error can ask for. */
export type ErrorExit = 64 | 69 | 70 | 3;

/**
 * A known error: `message` says what is wrong and where, `hint` what to do about it.
 * Anything else that is thrown is a fault in the tool (exit 70, with its stack).
 */
export class VerifyError extends Error {
  readonly code: FaultCode;
  /** The exit status of a program that ends with it, as `Result.exitCode` is that of a run. */
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

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
