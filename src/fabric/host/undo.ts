import { VerifyError } from '../../core/model/verify-error.js';
import { runProgram, showCommand } from '../../sys/programs.js';
import type { Undo } from '../../system/fabric/host/journal.js';

/** What iproute2 and ovs-vsctl say where the thing to take away is no more. */
const isGone =
  /no row "|could not find static mac entry|no such bridge|cannot find device|does not exist|no such (?:device|file|process)|no such file or directory/i;

/**
 * Undoes what was done, latest first, whatever fails on the way; returns what could not be undone, as commands with
 * what was said.
 */
export async function undoAll(undos: readonly Undo[], netns: string | null): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { command, gone } of undos) {
    try {
      const { status, stderr } = await runProgram(command, { netns });
      if (status !== 0 && !(gone && isGone.test(stderr))) failed.push(`${showCommand(command)}: ${stderr.trim()}`);
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      failed.push(`${showCommand(command)}: ${error.message}`);
    }
  }
  return failed;
}
