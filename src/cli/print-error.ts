import { VerifyError } from '../core/model/verify-error.js';
import { escapeText } from '../core/text/escape.js';

/** EX_SOFTWARE of sysexits.h. */
const faultStatus = 70;

/** Prints an error on stderr and gives its exit status. Unknown errors have a stack. `ofRun`: begins with REFUSED. */
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
