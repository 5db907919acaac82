import { VerifyError } from '../model/verify-error.js';

/** 1,000 frames of 9,000 bytes as base64 fit. */
const maxLineBytes = 16 * 1024 * 1024;

/** JSON and a line feed. */
export function encodeLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

/**
 * Cuts text into lines: the result takes chunks and gives complete lines. Throws VerifyError (70) on a line over
 * `maxBytes`: the sender is not one of ours.
 */
export function lineSplitter(maxBytes: number = maxLineBytes): (chunk: string) => readonly string[] {
  let parts: string[] = [];
  let buffered = 0;
  return (chunk) => {
    const pieces = chunk.split('\n');
    const rest = pieces.pop() ?? '';
    const lines = pieces.map((piece, at) => (at === 0 ? parts.join('') + piece : piece));
    if (pieces.length > 0) {
      parts = [];
      buffered = 0;
    }
    parts.push(rest);
    buffered += rest.length;
    const longest = lines.reduce((most, line) => Math.max(most, line.length), buffered);
    if (longest > maxBytes) {
      throw new VerifyError(
        'protocol',
        70,
        `a message of a helper is longer than ${maxBytes} bytes`,
        'report this as a fault of verify-isolation',
      );
    }
    return lines.filter((line) => line !== '');
  };
}
