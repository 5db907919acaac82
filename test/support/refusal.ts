import { VerifyError } from '../../src/core/model/verify-error.js';

function textOf(error: unknown): string {
  if (error instanceof VerifyError) return `${error.code} ${error.exitCode} ${error.message}`;
  throw error;
}

const nothing = 'nothing was thrown';

/** What the program refuses with: code, exit status and message. */
export function refusal(act: () => void): string {
  try {
    act();
  } catch (error) {
    return textOf(error);
  }
  return nothing;
}

/** The same of what takes time. */
export async function refusalOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return textOf(error);
  }
  return nothing;
}
