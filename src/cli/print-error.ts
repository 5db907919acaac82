import { VerifyError } from '../core/model/verify-error.js';
import { escapeText } from '../core/text/escape.js';

/** EX_SOFTWARE of sysexits.h. */
const faultStatus = 70;

/**
 * Says on stderr what went wrong and returns the exit status that goes with it: known errors by their message and hint,
 * others by their stack. `ofRun`: what ends a run without a verdict begins with REFUSED.
 */
export function printError(error: unknown, ofRun = false): number {
  if (error instanceof VerifyError) {
    const lines = `${error.message}\n${error.hint}`
      .split('\n')
      .filter((line) => line !== '')
      .map(escapeText);
    const head = ofRun && error.code !== 'usage' ? 'REFUSED' : 'verify-isolation';
    process.stderr.write(`${head}: ${lines.join('\n  ')}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `verify-isolation: a fault in the tool; please report it with these lines\n${stack.split('\n').map(escapeText).join('\n')}\n`,
  );
  return faultStatus;
}
