import { rmSync } from 'node:fs';
import { VerifyError } from '../../../core/model/verify-error.js';
import { runProgram, showCommand } from '../../process/programs.js';
import { namespaceInode, orphanedJournals, type Undo } from './journal.js';

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

/** What was found of a run that was killed. */
export interface CleanedRun {
  readonly runId: string;
  readonly undone: number;
  /** What could not be undone; its journal is kept. */
  readonly failed: readonly string[];
}

/**
 * Undoes what killed runs have left, by their journals. A namespace that is no more took everything with it. Changes in
 * a namespace which this process is not in and which has no path are left alone and named.
 */
export async function cleanUp(folder: string): Promise<readonly CleanedRun[]> {
  const cleaned: CleanedRun[] = [];
  for (const { file, owner, undos } of orphanedJournals(folder)) {
    const here = namespaceInode(owner.netns) === owner.inode;
    const elsewhere = !here && owner.netns === null;
    const failed = here
      ? await undoAll(undos, owner.netns)
      : elsewhere
        ? ['it ran in another network namespace: run cleanup there']
        : [];
    if (failed.length === 0) rmSync(file, { force: true });
    cleaned.push({ runId: owner.runId, undone: here ? undos.length : 0, failed });
  }
  return cleaned;
}
