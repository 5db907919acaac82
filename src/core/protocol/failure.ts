import { type Of, oneOf, text } from '../model/shape/shape.js';
import { faultCode } from '../model/timeline.js';
import { errorExits, VerifyError } from '../model/verify-error.js';

/** A VerifyError of another process, thrown here. */
export const failureShape = { code: faultCode, exit: oneOf(...errorExits), message: text, hint: text };
export type Failure = Of<typeof failureShape>;

export function failureOf({ code, exitCode: exit, message, hint }: VerifyError): Failure {
  return { code, exit, message, hint };
}

export function errorOf({ code, exit, message, hint }: Failure): VerifyError {
  return new VerifyError(code, exit, message, hint);
}
