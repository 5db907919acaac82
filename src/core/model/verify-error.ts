/** Exit statuses of the contract that an error can ask for. */
export type ErrorExit = 64 | 69 | 70 | 3;

/**
 * A known error: `message` says what is wrong and where, `hint` what to do about it.
 * Anything else that is thrown is a fault in the tool (exit 70, with its stack).
 */
export class VerifyError extends Error {
  readonly code: string;
  readonly exit: ErrorExit;
  readonly hint: string;

  constructor(code: string, exit: ErrorExit, message: string, hint: string) {
    super(message);
    this.name = 'VerifyError';
    this.code = code;
    this.exit = exit;
    this.hint = hint;
  }
}
